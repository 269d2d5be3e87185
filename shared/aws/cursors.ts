import {
  BatchGetCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { FenceLostError, TransactionRefusedError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Cursor, type CursorChange, rowToFind } from "../sessions/cursor.ts";
import { cancellationOf, isConditionFailure, winnerOf } from "./failures.ts";
import { CURSOR_SHARDS, keys } from "./keys.ts";
import { queryAll } from "./queryAll.ts";
import type { ReferenceStore, TransactItem } from "./references.ts";
import { untilProcessed } from "./unprocessed.ts";

/**
 * The Cursors table. Every write names what was read of the row (`rowToFind`), so of two writers that read the same
 * row one wins and the other learns that it lost. A change of segment moves the reference count in the same
 * transaction.
 *
 * A write leaves its random id on the row, as an append does on its page: when the answer was lost and the SDK's second
 * try finds the row changed, the id tells that the change is its own. A deliver that took its own lease for someone
 * else's would leave the session held by nobody until the lease runs out. (A transaction carries the SDK's
 * ClientRequestToken and needs no more.)
 */
export class CursorStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #references: ReferenceStore;
  readonly #newWriteId: () => string;
  readonly #clock: Clock;

  constructor(
    documents: DynamoDBDocumentClient,
    table: string,
    references: ReferenceStore,
    newWriteId: () => string,
    clock: Clock,
  ) {
    this.#documents = documents;
    this.#table = table;
    this.#references = references;
    this.#newWriteId = newWriteId;
    this.#clock = clock;
  }

  async readCursor(feed: string, session: string): Promise<Cursor | undefined> {
    const { Item } = await this.#documents.send(
      new GetCommand({ TableName: this.#table, Key: keys.cursor(feed, session), ConsistentRead: true }),
    );
    return Item && asCursor(Item);
  }

  async readCursors(rows: readonly { feed: string; session: string }[]): Promise<Cursor[]> {
    const cursors: Cursor[] = [];
    for (let from = 0; from < rows.length; from += 100) {
      const wanted: Record<string, unknown>[] = rows
        .slice(from, from + 100)
        .map(({ feed, session }) => keys.cursor(feed, session));
      await untilProcessed(
        wanted,
        async (left) => {
          const answer = await this.#documents.send(
            new BatchGetCommand({
              RequestItems: { [this.#table]: { Keys: [...left], ConsistentRead: true } },
            }),
          );
          cursors.push(...(answer.Responses?.[this.#table] ?? []).map(asCursor));
          return answer.UnprocessedKeys?.[this.#table]?.Keys ?? [];
        },
        this.#clock,
      );
    }
    return cursors;
  }

  /** All cursors of a feed, by strongly consistent queries of the base table: an index could hide a parked row. */
  async listCursors(feed: string): Promise<Cursor[]> {
    const shards = await Promise.all(
      Array.from({ length: CURSOR_SHARDS }, (_, shard) =>
        queryAll(this.#documents, {
          TableName: this.#table,
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": keys.cursorShard(feed, shard) },
        }),
      ),
    );
    return shards.flat().map(asCursor);
  }

  /**
   * Writes a transition and returns the row as it is then.
   * @param alongside written in the same transaction, for the store of sessions alone
   * @throws FenceLostError when the row is not as it was read
   * @throws TransactionRefusedError when another transaction was in the way or another condition did not hold
   */
  async write(
    cursor: Cursor,
    change: CursorChange,
    alongside: readonly TransactItem[] = [],
  ): Promise<Cursor> {
    const crossing =
      change.segment !== undefined && change.segment !== cursor.segment
        ? [
            this.#references.countOut(cursor.feed, cursor.segment, cursor.session),
            this.#references.countIn(cursor.feed, change.segment, cursor.session),
          ]
        : [];
    const writeId = this.#newWriteId();
    const update = this.#update(cursor, change, writeId);
    const others = [...crossing, ...alongside];
    try {
      if (others.length === 0)
        await this.#documents.send(
          new UpdateCommand({ ...update, ReturnValuesOnConditionCheckFailure: "ALL_OLD" }),
        );
      else
        await this.#documents.send(
          new TransactWriteCommand({ TransactItems: [{ Update: update }, ...others] }),
        );
    } catch (error) {
      const isOurs = isConditionFailure(error) && winnerOf(error)?.writeId === writeId;
      if (!isOurs) throw refusal(error, cursor, crossing.length);
    }
    return { ...cursor, ...change };
  }

  /** The row and its reference are created in one transaction, in a segment that must not be freed. */
  async create(cursor: Cursor, alongside: readonly TransactItem[] = []): Promise<void> {
    const { feed, session, segment } = cursor;
    try {
      await this.#documents.send(
        new TransactWriteCommand({
          TransactItems: [
            {
              Put: {
                TableName: this.#table,
                Item: { ...keys.cursor(feed, session), ...cursor },
                ConditionExpression: "attribute_not_exists(pk)",
              },
            },
            this.#references.countIn(feed, segment, session),
            this.#references.heldCheck(feed, segment),
            ...alongside,
          ],
        }),
      );
    } catch (error) {
      throw refusal(error, cursor, 1);
    }
  }

  /** The row is deleted and its reference counted out in one transaction. */
  async remove(cursor: Cursor, alongside: readonly TransactItem[] = []): Promise<void> {
    const { feed, session, segment } = cursor;
    try {
      await this.#documents.send(
        new TransactWriteCommand({
          TransactItems: [
            { Delete: { TableName: this.#table, Key: keys.cursor(feed, session), ...asRead(cursor, {}) } },
            this.#references.countOut(feed, segment, session),
            ...alongside,
          ],
        }),
      );
    } catch (error) {
      throw refusal(error, cursor, 1);
    }
  }

  #update(cursor: Cursor, change: CursorChange, writeId: string) {
    const names: Record<string, string> = { "#writeId": "writeId" };
    const values: Record<string, unknown> = { ":writeId": writeId };
    const set: string[] = ["#writeId = :writeId"];
    const remove: string[] = [];
    for (const [attribute, value] of Object.entries(change)) {
      names[`#${attribute}`] = attribute;
      if (value === undefined) remove.push(`#${attribute}`);
      else {
        values[`:${attribute}`] = value;
        set.push(`#${attribute} = :${attribute}`);
      }
    }
    const condition = asRead(cursor, change);
    return {
      TableName: this.#table,
      Key: keys.cursor(cursor.feed, cursor.session),
      UpdateExpression: [
        `SET ${set.join(", ")}`,
        ...(remove.length > 0 ? [`REMOVE ${remove.join(", ")}`] : []),
      ].join(" "),
      ConditionExpression: condition.ConditionExpression,
      ExpressionAttributeNames: { ...names, ...condition.ExpressionAttributeNames },
      ExpressionAttributeValues: { ...values, ...condition.ExpressionAttributeValues },
    };
  }
}

/** The condition of every write: the row is still the one that was read. */
function asRead(cursor: Cursor, change: CursorChange) {
  const { states, ...numbers } = rowToFind(cursor, change);
  const stateValues = states.map((state, index) => [`:stateRead${index}`, state] as const);
  const attributes = Object.keys(numbers);
  return {
    ConditionExpression: [
      `#state IN (${stateValues.map(([name]) => name).join(", ")})`,
      ...attributes.map((attribute) => `#${attribute} = :${attribute}Read`),
    ].join(" AND "),
    ExpressionAttributeNames: {
      "#state": "state",
      ...Object.fromEntries(attributes.map((attribute) => [`#${attribute}`, attribute])),
    },
    ExpressionAttributeValues: {
      ...Object.fromEntries(stateValues),
      ...Object.fromEntries(
        Object.entries(numbers).map(([attribute, value]) => [`:${attribute}Read`, value]),
      ),
    },
  };
}

/** Transactions put the row first, then the reference items, then what is written alongside. */
function refusal(error: unknown, { feed, session, fence }: Cursor, referenceItems: number): unknown {
  if (isConditionFailure(error)) return new FenceLostError({ feed, session, fence });
  const cancellation = cancellationOf(error);
  if (cancellation === undefined) return error;
  if (cancellation.kind === "conflict")
    return new TransactionRefusedError({ feed, session, cause: "conflict" });
  if (cancellation.index === 0) return new FenceLostError({ feed, session, fence });
  const cause = cancellation.index <= referenceItems ? "reference-missing" : "not-held";
  return new TransactionRefusedError({ feed, session, cause });
}

function asCursor(item: Record<string, unknown>): Cursor {
  const { pk, sk, writeId, ...cursor } = item;
  return cursor as unknown as Cursor;
}
