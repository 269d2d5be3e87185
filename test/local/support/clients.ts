import { connectionVariables } from "../../../local/connection.ts";
import type { Engine } from "../../../local/engines/engine.ts";
import { type AwsClients, createClients } from "../../../shared/aws/clients.ts";

type Reachable = Pick<Engine, "endpoint" | "credentials">;

const NOWHERE = "http://127.0.0.1:1";

/** Clients for embedded engines. A test may omit an engine that it does not use. */
export function localClients({ dynamodb, sqs }: { dynamodb?: Reachable; sqs?: Reachable }): AwsClients {
  const endpoints = { dynamodb: dynamodb?.endpoint ?? NOWHERE, sqs: sqs?.endpoint ?? NOWHERE };
  return createClients(
    connectionVariables({}, endpoints, {
      ...(dynamodb && { dynamodb: dynamodb.credentials }),
      ...(sqs && { sqs: sqs.credentials }),
    }),
  );
}
