import type { DynamoDBDocumentClient, TransactWriteCommandInput } from "@aws-sdk/lib-dynamodb";
import type { Segment } from "../queue/sequence.ts";
import type { Clock } from "../runtime/clock.ts";
import { batchDelete } from "./batchDelete.ts";
import { keys, REFERENCE_SHARDS, shardOf } from "./keys.ts";
import { queryAll } from "./queryAll.ts";

export type TransactItem = NonNullable<TransactWriteCommandInput["TransactItems"]>[number];

/** Counts by segment. Segments without a cursor are absent. */
export type ReferenceCounts = ReadonlyMap<Segment, number>;

/** Moves the reference of a session or a group. Absent segments stand for none: it comes or goes. */
export interface ReferenceMove {
  readonly owner: string;
  readonly from?: Segment | undefined;
  readonly to?: Segment | undefined;
}

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
    return this.#add(feed, segment, shardOf(sessionId, REFERENCE_SHARDS), 1);
  }

  /** The transaction item that counts a session out of a segment. */
  countOut(feed: string, segment: Segment, sessionId: string): TransactItem {
    return this.#add(feed, segment, shardOf(sessionId, REFERENCE_SHARDS), -1);
  }

  /**
   * The transaction items that move references. A transaction may name an item only once, so moves of the same count
   * become one.
   */
  move(feed: string, moves: readonly ReferenceMove[]): TransactItem[] {
    const changes = new Map<string, { segment: Segment; shard: number; by: number }>();
    const count = (owner: string, segment: Segment | undefined, by: number) => {
      if (segment === undefined) return;
      const shard = shardOf(owner, REFERENCE_SHARDS);
      const key = `${segment}#${shard}`;
      changes.set(key, { segment, shard, by: (changes.get(key)?.by ?? 0) + by });
    };
    for (const { owner, from, to } of moves) {
      count(owner, from, -1);
      count(owner, to, 1);
    }
    return [...changes.values()]
      .filter(({ by }) => by !== 0)
      .map(({ segment, shard, by }) => this.#add(feed, segment, shard, by));
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

  /** The same for the row of a new single webhook session, which notify must see (`HeadStore.noteSingles`). */
  heldBySingle(feed: string, segment: Segment): TransactItem {
    return {
      Update: {
        TableName: this.#table,
        Key: keys.head(feed),
        UpdateExpression: "ADD singlesCreated :one REMOVE isAllGrouped",
        ConditionExpression: "headSegment <= :segment",
        ExpressionAttributeValues: { ":segment": segment, ":one": 1 },
      },
    };
  }

  /** A count never falls below zero. */
  #add(feed: string, segment: Segment, shard: number, by: number): TransactItem {
    return {
      Update: {
        TableName: this.#table,
        Key: keys.reference(feed, segment, shard),
        UpdateExpression: "ADD #count :by",
        ...(by < 0 ? { ConditionExpression: "#count >= :least" } : {}),
        ExpressionAttributeNames: { "#count": "count" },
        ExpressionAttributeValues: { ":by": by, ...(by < 0 ? { ":least": -by } : {}) },
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
