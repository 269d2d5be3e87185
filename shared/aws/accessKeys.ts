import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
} from "@aws-sdk/lib-dynamodb";
import type { AccessKey } from "../access/accessKey.ts";
import { isConditionFailure } from "./failures.ts";
import { keys } from "./keys.ts";

/** A key, and when it was last used; undefined when it never was. */
export interface ListedKey {
  readonly key: AccessKey;
  readonly usedAtEpochMillis: number | undefined;
}

/**
 * The Keys table. A key and its last use are two items, so that a function that records uses has no right to write keys.
 */
export class AccessKeyStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(documents: DynamoDBDocumentClient, table: string) {
    this.#documents = documents;
    this.#table = table;
  }

  /** Strongly consistent: a revoked key must not be read again. */
  async readKey(id: string): Promise<AccessKey | undefined> {
    const { Item } = await this.#documents.send(
      new GetCommand({ TableName: this.#table, Key: keys.accessKey(id), ConsistentRead: true }),
    );
    return Item && asKey(Item);
  }

  /** Up to `limit` keys in the order of their ids, after the key `after`. */
  async listKeys(limit: number, after?: string): Promise<{ keys: ListedKey[]; last?: string }> {
    const { Items, LastEvaluatedKey } = await this.#documents.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": keys.accessKeys },
        ...(after === undefined ? {} : { ExclusiveStartKey: keys.accessKey(after) }),
        Limit: limit,
        ConsistentRead: true,
      }),
    );
    const listed = (Items ?? []).map(asKey);
    const uses = await this.#usesOf(listed);
    const last: unknown = LastEvaluatedKey?.sk;
    return {
      keys: listed.map((key) => ({ key, usedAtEpochMillis: uses.get(key.id) })),
      ...(typeof last === "string" ? { last } : {}),
    };
  }

  /** Each key has one small item at most, so one answer holds them all. */
  async #usesOf(listed: readonly AccessKey[]): Promise<Map<string, number>> {
    const [first, last] = [listed[0], listed.at(-1)];
    if (first === undefined || last === undefined) return new Map();
    const { Items = [] } = await this.#documents.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
        ExpressionAttributeValues: { ":pk": keys.keyUses, ":first": first.id, ":last": last.id },
      }),
    );
    return new Map(Items.map(({ sk, usedAtEpochMillis }) => [String(sk), Number(usedAtEpochMillis)]));
  }

  /** Ids are random, so the put replaces nothing but an earlier attempt of itself. */
  async createKey(key: AccessKey): Promise<void> {
    await this.#documents.send(
      new PutCommand({ TableName: this.#table, Item: { ...keys.accessKey(key.id), ...key } }),
    );
  }

  /** Returns false when there is no such key. */
  async removeKey(id: string): Promise<boolean> {
    try {
      await this.#documents.send(
        new DeleteCommand({
          TableName: this.#table,
          Key: keys.accessKey(id),
          ConditionExpression: "attribute_exists(pk)",
        }),
      );
    } catch (error) {
      if (isConditionFailure(error)) return false;
      throw error;
    }
    // A process that still caches the key may record a use once more: a few bytes that nobody shows.
    await this.#documents.send(new DeleteCommand({ TableName: this.#table, Key: keys.keyUse(id) }));
    return true;
  }

  async readKeyUse(id: string): Promise<number | undefined> {
    const { Item } = await this.#documents.send(
      new GetCommand({ TableName: this.#table, Key: keys.keyUse(id) }),
    );
    return Item && Number(Item.usedAtEpochMillis);
  }

  async recordKeyUse(id: string, usedAtEpochMillis: number, earlierThanEpochMillis: number): Promise<void> {
    try {
      await this.#documents.send(
        new PutCommand({
          TableName: this.#table,
          Item: { ...keys.keyUse(id), usedAtEpochMillis },
          ConditionExpression: "attribute_not_exists(pk) OR usedAtEpochMillis <= :earlierThan",
          ExpressionAttributeValues: { ":earlierThan": earlierThanEpochMillis },
        }),
      );
    } catch (error) {
      // Another process recorded one within the hour.
      if (!isConditionFailure(error)) throw error;
    }
  }
}

/** Items are not validated, because only the relay writes this table. */
function asKey(item: Record<string, unknown>): AccessKey {
  const { pk, sk, ...key } = item;
  return key as unknown as AccessKey;
}
