import {
  BatchGetCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { FenceLostError, TransactionRefusedError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Cursor, CursorChange } from "../sessions/cursor.ts";
import { cursorDelete, cursorPut, cursorUpdate } from "./cursorItems.ts";
import { cancellationOf, isConditionFailure, winnerOf } from "./failures.ts";
import { CURSOR_SHARDS, keys } from "./keys.ts";
import { queryAll } from "./queryAll.ts";
import type { ReferenceStore, TransactItem } from "./references.ts";
import { untilProcessed } from "./unprocessed.ts";

/**
 * The Cursors table. Every write is conditional on the row as it was read (`rowToFind`). Of two writers that read the
 * same row, one wins and the other learns that it lost. A change of segment moves the reference count in the same
 * transaction. A cursor is created and removed together with its session (sessions.ts).
 *
 * A write leaves its random id on the row, as an append does on its page. If the response is lost, the SDK's retry
 * finds the row changed, and the id shows that the change is its own. A turn that mistook its own lease for another
 * turn's would leave the session unserved until the lease expires. (A transaction carries the SDK's ClientRequestToken
 * and needs no such id.)
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

  async readCursor(feed: string, sessionId: string): Promise<Cursor | undefined> {
    const { Item } = await this.#documents.send(
      new GetCommand({ TableName: this.#table, Key: keys.cursor(feed, sessionId), ConsistentRead: true }),
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

  /** All cursors of a feed, from strongly consistent queries of the table: an index could miss a parked row. */
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
   * Writes a transition and returns the new row.
   * @param alongside items written in the same transaction; only SessionStore passes them
   * @throws FenceLostError when the row changed since it was read
   * @throws TransactionRefusedError when another transaction conflicted or another condition failed
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
    const update = cursorUpdate(this.#table, cursor, change, writeId);
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

  /** Creates the row and counts its reference in one transaction. The segment must not be freed. */
  async create(cursor: Cursor, alongside: readonly TransactItem[] = []): Promise<void> {
    const { feed, session, segment, kind = "webhook" } = cursor;
    try {
      await this.#documents.send(
        new TransactWriteCommand({
          TransactItems: [
            { Put: cursorPut(this.#table, cursor) },
            this.#references.countIn(feed, segment, session),
            kind === "webhook"
              ? this.#references.heldBySingle(feed, segment)
              : this.#references.heldCheck(feed, segment),
            ...alongside,
          ],
        }),
      );
    } catch (error) {
      throw refusal(error, cursor, 1);
    }
  }

  /** Deletes the row and counts its reference out in one transaction. */
  async remove(cursor: Cursor, alongside: readonly TransactItem[] = []): Promise<void> {
    const { feed, session, segment } = cursor;
    try {
      await this.#documents.send(
        new TransactWriteCommand({
          TransactItems: [
            { Delete: cursorDelete(this.#table, cursor) },
            this.#references.countOut(feed, segment, session),
            ...alongside,
          ],
        }),
      );
    } catch (error) {
      throw refusal(error, cursor, 1);
    }
  }
}

/** A transaction lists the row first, then the reference items, then the items alongside. */
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
