import { type AwsClients, createClients } from "../../../shared/aws/clients.ts";

/** Clients for embedded engines. A test may omit an endpoint that it does not use. */
export function localClients(endpoints: { dynamodb?: string; sqs?: string }): AwsClients {
  return createClients({
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb ?? "http://127.0.0.1:1",
    AWS_ENDPOINT_URL_SQS: endpoints.sqs ?? "http://127.0.0.1:1",
  });
}
