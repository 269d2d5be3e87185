import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Environment } from "../runtime/settings.ts";
import { retryConflicts } from "./conflicts.ts";
import { skipNetworkSteps } from "./directCalls.ts";

/** The AWS clients of one function, shared by its invocations. */
export interface AwsClients {
  readonly documents: DynamoDBDocumentClient;
  readonly sqs: SQSClient;
}

/** The form of the SDK's request handlers that has a method. */
type HttpHandler = Extract<NonNullable<DynamoDBClientConfig["requestHandler"]>, { handle: unknown }>;

type Service = "DYNAMODB" | "SQS" | "SECRETS_MANAGER" | "KMS";

/**
 * The settings of every client. A call without a response after `requestTimeoutMillis` is retried. On AWS the SDK finds
 * region, credentials and endpoint by itself. `AWS_ENDPOINT_URL`, or the variable of one service, names another
 * endpoint with the same protocol.
 */
export function clientSettings(environment: Environment, service: Service, requestTimeoutMillis: number) {
  const region = environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  const { accessKeyId, secretAccessKey, sessionToken } = keysFor(environment, service);
  const endpoint = environment[`AWS_ENDPOINT_URL_${service}`] ?? environment.AWS_ENDPOINT_URL;
  return {
    ...(region ? { region } : {}),
    ...(accessKeyId && secretAccessKey
      ? { credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) } }
      : {}),
    ...(endpoint ? { endpoint } : {}),
    requestHandler: {
      connectionTimeout: 2_000,
      requestTimeout: requestTimeoutMillis,
      // Otherwise the SDK only warns, and waits for a response until the function times out.
      throwOnRequestTimeout: true,
      httpsAgent: { maxSockets: 200 },
      httpAgent: { maxSockets: 200 },
    },
  };
}

/** A service's own keys come before the common ones: an embedded engine has keys that no other service knows. */
function keysFor(environment: Environment, service: Service) {
  const accessKeyId = environment[`AWS_ACCESS_KEY_ID_${service}`];
  const secretAccessKey = environment[`AWS_SECRET_ACCESS_KEY_${service}`];
  if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey };
  return {
    accessKeyId: environment.AWS_ACCESS_KEY_ID,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
    sessionToken: environment.AWS_SESSION_TOKEN,
  };
}

/** Far longer than DynamoDB and SQS take. Even with the SDK's retries it fits into every function's timeout. */
const REQUEST_TIMEOUT_MILLIS = 5_000;

/** Stands in for HTTP: the service is in the same process. */
export type DirectHandler = Pick<HttpHandler, "handle">;

/** Builds the two clients that every function uses. */
export function createClients(
  environment: Environment,
  direct: { readonly dynamodb?: DirectHandler; readonly sqs?: DirectHandler } = {},
): AwsClients {
  const dynamodb = new DynamoDBClient({
    ...clientSettings(environment, "DYNAMODB", REQUEST_TIMEOUT_MILLIS),
    ...(direct.dynamodb && { requestHandler: direct.dynamodb as HttpHandler }),
  });
  if (direct.dynamodb) skipNetworkSteps(dynamodb);
  retryConflicts(dynamodb);
  const settings = clientSettings(environment, "SQS", REQUEST_TIMEOUT_MILLIS);
  const sqs = new SQSClient({
    ...settings,
    // Queue URLs of local engines may name hosts that do not resolve, so requests go to the endpoint.
    ...(settings.endpoint && { useQueueUrlAsEndpoint: false }),
    ...(direct.sqs && { requestHandler: direct.sqs as HttpHandler }),
  });
  if (direct.sqs) skipNetworkSteps(sqs);
  return {
    documents: DynamoDBDocumentClient.from(dynamodb, { marshallOptions: { removeUndefinedValues: true } }),
    sqs,
  };
}

/** Closes the sockets that the clients hold open. */
export function destroyClients(clients: AwsClients): void {
  clients.documents.destroy();
  clients.sqs.destroy();
}
