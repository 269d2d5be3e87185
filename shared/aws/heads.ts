import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import type { Segment, Sequence } from "../queue/sequence.ts";
import type { FeedHead } from "../queue/tail.ts";
import { cancellationOf, isConditionFailure } from "./failures.ts";
import { keys, REFERENCE_SHARDS } from "./keys.ts";
import { queryAll } from "./queryAll.ts";

/** The feed heads of the Queue table. */
export class HeadStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(documents: DynamoDBDocumentClient, table: string) {
    this.#documents = documents;
    this.#table = table;
  }

  async readHead(feed: string): Promise<FeedHead | undefined> {
    const { Item } = await this.#documents.send(
      new GetCommand({ TableName: this.#table, Key: keys.head(feed), ConsistentRead: true }),
    );
    return Item && asHead(Item);
  }

  async listHeads(): Promise<FeedHead[]> {
    const items = await queryAll(this.#documents, {
      TableName: this.#table,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": keys.heads },
    });
    return items.map(asHead);
  }

  /** Up to `limit` heads in the order of the feeds' names, after the feed `after`. */
  async listSomeHeads(limit: number, after?: string): Promise<{ heads: FeedHead[]; last?: string }> {
    const { Items = [], LastEvaluatedKey } = await this.#documents.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": keys.heads },
        ...(after === undefined ? {} : { ExclusiveStartKey: keys.head(after) }),
        Limit: limit,
        ConsistentRead: true,
      }),
    );
    const last: unknown = LastEvaluatedKey?.sk;
    return { heads: Items.map(asHead), ...(typeof last === "string" ? { last } : {}) };
  }

  /** Creates a feed. An existing feed keeps its segment size. */
  async createFeed(feed: string, segmentSize: number): Promise<void> {
    try {
      await this.#documents.send(
        new PutCommand({
          TableName: this.#table,
          Item: { ...keys.head(feed), segmentSize, headSegment: 0, tailHint: 0, clearedSegment: 0 },
          ConditionExpression: "attribute_not_exists(pk)",
        }),
      );
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
    }
  }

  async setWrapUnmapped(feed: string, wrapUnmapped: boolean): Promise<void> {
    await this.#documents.send(
      new UpdateCommand({
        TableName: this.#table,
        Key: keys.head(feed),
        UpdateExpression: "SET wrapUnmapped = :wrapUnmapped",
        ConditionExpression: "attribute_exists(pk)",
        ExpressionAttributeValues: { ":wrapUnmapped": wrapUnmapped },
      }),
    );
  }

  /**
   * Notes whether single webhook sessions have rows, as found after `head` was read. A row that was created since is not
   * overlooked: its transaction counts (`ReferenceStore.heldBySingle`).
   */
  async noteSingles({ feed, singlesCreated }: FeedHead, isAllGrouped: boolean): Promise<void> {
    const { ConditionExpression, ExpressionAttributeValues } =
      singlesCreated === undefined
        ? { ConditionExpression: "attribute_not_exists(singlesCreated)", ExpressionAttributeValues: {} }
        : {
            ConditionExpression: "singlesCreated = :read",
            ExpressionAttributeValues: { ":read": singlesCreated },
          };
    try {
      await this.#documents.send(
        new UpdateCommand({
          TableName: this.#table,
          Key: keys.head(feed),
          UpdateExpression: "SET isAllGrouped = :isAllGrouped",
          ConditionExpression: `attribute_exists(pk) AND ${ConditionExpression}`,
          ExpressionAttributeValues: { ...ExpressionAttributeValues, ":isAllGrouped": isAllGrouped },
        }),
      );
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
    }
  }

  /** Moves the tail hint forward, never back. */
  async moveTailHint(feed: string, tail: Sequence): Promise<void> {
    try {
      await this.#documents.send(
        new UpdateCommand({
          TableName: this.#table,
          Key: keys.head(feed),
          UpdateExpression: "SET tailHint = :tail",
          ConditionExpression: "tailHint < :tail",
          ExpressionAttributeValues: { ":tail": tail },
        }),
      );
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
    }
  }

  /**
   * Frees segment k: moves the head from k to k + 1 in one transaction that checks every shard of k's count. If a
   * session is meanwhile created in k or moved into k by a seek, its transaction checks the head. One of the two
   * transactions then fails.
   */
  async moveHead(feed: string, segment: Segment): Promise<boolean> {
    const shards = Array.from({ length: REFERENCE_SHARDS }, (_, shard) => shard);
    try {
      await this.#documents.send(
        new TransactWriteCommand({
          TransactItems: [
            {
              Update: {
                TableName: this.#table,
                Key: keys.head(feed),
                UpdateExpression: "SET headSegment = :next",
                ConditionExpression: "headSegment = :segment",
                ExpressionAttributeValues: { ":segment": segment, ":next": segment + 1 },
              },
            },
            ...shards.map((shard) => ({
              ConditionCheck: {
                TableName: this.#table,
                Key: keys.reference(feed, segment, shard),
                ConditionExpression: "attribute_not_exists(pk) OR #count = :zero",
                ExpressionAttributeNames: { "#count": "count" },
                ExpressionAttributeValues: { ":zero": 0 },
              },
            })),
          ],
        }),
      );
      return true;
    } catch (error) {
      if (cancellationOf(error)) return false;
      throw error;
    }
  }

  /** Records that the pages below `segment` are deleted, so that later sweeps skip them. */
  async markCleared(feed: string, segment: Segment): Promise<void> {
    await this.#documents.send(
      new UpdateCommand({
        TableName: this.#table,
        Key: keys.head(feed),
        UpdateExpression: "SET clearedSegment = :segment",
        ExpressionAttributeValues: { ":segment": segment },
      }),
    );
  }
}

function asHead(item: Record<string, unknown>): FeedHead {
  const { pk, sk, ...head } = item as unknown as Omit<FeedHead, "feed"> & { pk: string; sk: string };
  return { feed: sk, ...head };
}
