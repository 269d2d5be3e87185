import { randomUUID } from "node:crypto";
import {
  BatchWriteCommand,
  type DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
} from "@aws-sdk/lib-dynamodb";
import type { Clock } from "../runtime/clock.ts";
import { type Environment, requireVariable } from "../runtime/settings.ts";
import { ATTEMPTS_KEPT_MILLIS, type Attempt } from "../sessions/attempt.ts";
import type { AwsClients } from "./clients.ts";
import { gathered } from "./gathered.ts";
import { keys } from "./keys.ts";
import { tables } from "./resources.ts";
import { untilProcessed } from "./unprocessed.ts";

/** DynamoDB takes 25 writes in one call. */
const MOST_PUTS = 25;

/**
 * The Attempts table: what the endpoints of sessions answered. Items are only added, each under its own key, so two holders
 * of a session cannot overwrite each other, and the writer needs no right to read. DynamoDB expires them.
 */
export class AttemptStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #newId: () => string;
  readonly #clock: Clock;
  readonly #put = gathered<Record<string, unknown>, undefined>(MOST_PUTS, async (items) => {
    await this.#putAll(items);
    return items.map(() => undefined);
  });

  constructor(documents: DynamoDBDocumentClient, table: string, newId: () => string, clock: Clock) {
    this.#documents = documents;
    this.#table = table;
    this.#newId = newId;
    this.#clock = clock;
  }

  /** Adds entries, oldest first, as one item of about 400 bytes. Items that come at the same time share a call. */
  async putAttempts(sessionId: string, attempts: readonly Attempt[]): Promise<void> {
    const nowEpochMillis = this.#clock.nowEpochMillis();
    await this.#put({
      ...keys.attempts(sessionId, nowEpochMillis, this.#newId()),
      attempts,
      expiresAtEpochSeconds: Math.ceil((nowEpochMillis + ATTEMPTS_KEPT_MILLIS) / 1000),
    });
  }

  async #putAll(items: readonly Record<string, unknown>[]): Promise<void> {
    const [Item] = items;
    if (items.length === 1) {
      await this.#documents.send(new PutCommand({ TableName: this.#table, Item }));
      return;
    }
    const requests = items.map((each) => ({ PutRequest: { Item: each } }));
    await untilProcessed(
      requests,
      async (left) => {
        const answer = await this.#documents.send(
          new BatchWriteCommand({ RequestItems: { [this.#table]: [...left] } }),
        );
        return (answer.UnprocessedItems?.[this.#table] ?? []) as typeof requests;
      },
      this.#clock,
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
