import { connectionVariables } from "../../../local/connection.ts";
import type { Engine } from "../../../local/engines/engine.ts";
import { type AwsClients, createClients } from "../../../shared/aws/clients.ts";

type Reachable = Pick<Engine, "endpoint" | "credentials">;

const NOWHERE = "http://127.0.0.1:1";

/** Clients for embedded engines; one that a test does not use may be left out. */
export function localClients({ dynamodb, sqs }: { dynamodb?: Reachable; sqs?: Reachable }): AwsClients {
  const endpoints = { dynamodb: dynamodb?.endpoint ?? NOWHERE, sqs: sqs?.endpoint ?? NOWHERE };
  return createClients(
    connectionVariables({}, endpoints, {
      ...(dynamodb && { dynamodb: dynamodb.credentials }),
      ...(sqs && { sqs: sqs.credentials }),
    }),
  );
}
