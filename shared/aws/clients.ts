import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Environment } from "../runtime/settings.ts";
import { retryConflicts } from "./conflicts.ts";

/** The AWS clients of one function: reused over its invocations. */
export interface AwsClients {
  readonly documents: DynamoDBDocumentClient;
  readonly sqs: SQSClient;
}

/**
 * Builds the clients. On AWS the SDK finds region, credentials and endpoint by itself; `AWS_ENDPOINT_URL` and
 * the per-service variables point them at LocalStack or anything that speaks the same protocol.
 */
export function createClients(environment: Environment): AwsClients {
  const region = environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  const accessKeyId = environment.AWS_ACCESS_KEY_ID;
  const secretAccessKey = environment.AWS_SECRET_ACCESS_KEY;
  const sessionToken = environment.AWS_SESSION_TOKEN;
  const common = {
    ...(region ? { region } : {}),
    ...(accessKeyId && secretAccessKey
      ? { credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) } }
      : {}),
  };
  const dynamodbEndpoint = environment.AWS_ENDPOINT_URL_DYNAMODB ?? environment.AWS_ENDPOINT_URL;
  const sqsEndpoint = environment.AWS_ENDPOINT_URL_SQS ?? environment.AWS_ENDPOINT_URL;
  const dynamodb = new DynamoDBClient({
    ...common,
    ...(dynamodbEndpoint ? { endpoint: dynamodbEndpoint } : {}),
    requestHandler: {
      connectionTimeout: 2_000,
      requestTimeout: 5_000,
      httpsAgent: { maxSockets: 200 },
      httpAgent: { maxSockets: 200 },
    },
  });
  retryConflicts(dynamodb);
  const sqs = new SQSClient({
    ...common,
    // Queue URLs of local engines name hosts that need not resolve; the endpoint is what counts.
    ...(sqsEndpoint ? { endpoint: sqsEndpoint, useQueueUrlAsEndpoint: false } : {}),
    requestHandler: {
      connectionTimeout: 2_000,
      requestTimeout: 25_000,
      httpsAgent: { maxSockets: 200 },
      httpAgent: { maxSockets: 200 },
    },
  });
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
