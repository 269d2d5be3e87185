import { randomUUID } from "node:crypto";
import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { Clock } from "../runtime/clock.ts";
import { type Environment, requireVariable } from "../runtime/settings.ts";
import { ATTEMPTS_KEPT_MILLIS, type Attempt } from "../sessions/attempt.ts";
import type { AwsClients } from "./clients.ts";
import { keys } from "./keys.ts";
import { tables } from "./resources.ts";

/**
 * The Attempts table: what the endpoints of sessions answered. Items are only added, each under its own key, so two holders
 * of a session cannot overwrite each other, and the writer needs no right to read. DynamoDB expires them.
 */
export class AttemptStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #newId: () => string;
  readonly #clock: Clock;

  constructor(documents: DynamoDBDocumentClient, table: string, newId: () => string, clock: Clock) {
    this.#documents = documents;
    this.#table = table;
    this.#newId = newId;
    this.#clock = clock;
  }

  /** Adds entries, oldest first, as one item of about 400 bytes. */
  async putAttempts(sessionId: string, attempts: readonly Attempt[]): Promise<void> {
    const nowEpochMillis = this.#clock.nowEpochMillis();
    await this.#documents.send(
      new PutCommand({
        TableName: this.#table,
        Item: {
          ...keys.attempts(sessionId, nowEpochMillis, this.#newId()),
          attempts,
          expiresAtEpochSeconds: Math.ceil((nowEpochMillis + ATTEMPTS_KEPT_MILLIS) / 1000),
        },
      }),
    );
  }

  /** The last entries, newest first. Strongly consistent. */
  async listAttempts(sessionId: string, limit: number): Promise<Attempt[]> {
    const { Items = [] } = await this.#documents.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": keys.attemptsOf(sessionId) },
        ScanIndexForward: false,
        Limit: limit,
        ConsistentRead: true,
      }),
    );
    // Items are not validated, because only the relay writes this table.
    return Items.flatMap(({ attempts }) => (attempts as Attempt[]).toReversed()).slice(0, limit);
  }
}

export function openAttempts(
  environment: Environment,
  { documents }: Pick<AwsClients, "documents">,
  clock: Clock,
): AttemptStore {
  return new AttemptStore(
    documents,
    requireVariable(environment, tables.attempts.variable),
    randomUUID,
    clock,
  );
}
