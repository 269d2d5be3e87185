import type { DynamoDBDocumentClient, TransactWriteCommandInput } from "@aws-sdk/lib-dynamodb";
import type { Segment } from "../queue/sequence.ts";
import type { Clock } from "../runtime/clock.ts";
import { batchDelete } from "./batchDelete.ts";
import { keys, REFERENCE_SHARDS, shardOf } from "./keys.ts";
import { queryAll } from "./queryAll.ts";

export type TransactItem = NonNullable<TransactWriteCommandInput["TransactItems"]>[number];

/** Counts by segment. Segments without a cursor are absent. */
export type ReferenceCounts = ReadonlyMap<Segment, number>;

/** The reference counts of the Queue table. They change only in transactions that move a cursor. */
export class ReferenceStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #clock: Clock;

  constructor(documents: DynamoDBDocumentClient, table: string, clock: Clock) {
    this.#documents = documents;
    this.#table = table;
    this.#clock = clock;
  }

  /** The transaction item that counts a session into a segment. */
  countIn(feed: string, segment: Segment, sessionId: string): TransactItem {
    return {
      Update: {
        TableName: this.#table,
        Key: keys.reference(feed, segment, shardOf(sessionId, REFERENCE_SHARDS)),
        UpdateExpression: "ADD #count :one",
        ExpressionAttributeNames: { "#count": "count" },
        ExpressionAttributeValues: { ":one": 1 },
      },
    };
  }

  /** The transaction item that counts a session out of a segment. A count never falls below zero. */
  countOut(feed: string, segment: Segment, sessionId: string): TransactItem {
    return {
      Update: {
        TableName: this.#table,
        Key: keys.reference(feed, segment, shardOf(sessionId, REFERENCE_SHARDS)),
        UpdateExpression: "ADD #count :minusOne",
        ConditionExpression: "#count >= :one",
        ExpressionAttributeNames: { "#count": "count" },
        ExpressionAttributeValues: { ":minusOne": -1, ":one": 1 },
      },
    };
  }

  /** The transaction item that checks that a segment is not freed. */
  heldCheck(feed: string, segment: Segment): TransactItem {
    return {
      ConditionCheck: {
        TableName: this.#table,
        Key: keys.head(feed),
        ConditionExpression: "headSegment <= :segment",
        ExpressionAttributeValues: { ":segment": segment },
      },
    };
  }

  async counts(feed: string): Promise<ReferenceCounts> {
    const items = await queryAll(this.#documents, {
      TableName: this.#table,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": keys.references(feed) },
    });
    const counts = new Map<number, number>();
    for (const item of items) {
      const segment = Number.parseInt(String(item.sk), 10);
      const count = Number(item.count);
      if (count !== 0) counts.set(segment, (counts.get(segment) ?? 0) + count);
    }
    return counts;
  }

  /** Deletes the zero counts of a freed segment. Safe to repeat. */
  async deleteSegment(feed: string, segment: Segment): Promise<void> {
    const shards = Array.from({ length: REFERENCE_SHARDS }, (_, shard) =>
      keys.reference(feed, segment, shard),
    );
    await batchDelete(this.#documents, this.#table, shards, this.#clock);
  }
}
