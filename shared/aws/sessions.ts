import { type DynamoDBDocumentClient, GetCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import type { Segment } from "../queue/sequence.ts";
import type { Cursor, CursorChange } from "../sessions/cursor.ts";
import type { Session } from "../sessions/session.ts";
import type { CursorStore } from "./cursors.ts";
import { keys } from "./keys.ts";
import type { ReferenceStore, TransactItem } from "./references.ts";

/**
 * The Sessions table, and the transactions that keep it in step with Cursors and Queue.
 *
 * A session is two rows and a count: its configuration here, its cursor in Cursors, its reference in Queue. `create`,
 * `change` and `remove` write them together. A write that only moves the cursor is `CursorStore.write`.
 *
 * All three throw FenceLostError when the cursor changed since it was read, and TransactionRefusedError when another
 * transaction conflicted or the segment is freed.
 */
export class SessionStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #cursors: CursorStore;
  readonly #references: ReferenceStore;

  constructor(
    documents: DynamoDBDocumentClient,
    table: string,
    { cursors, references }: { readonly cursors: CursorStore; readonly references: ReferenceStore },
  ) {
    this.#documents = documents;
    this.#table = table;
    this.#cursors = cursors;
    this.#references = references;
  }

  async readSession(sessionId: string): Promise<Session | undefined> {
    const { Item } = await this.#documents.send(
      new GetCommand({ TableName: this.#table, Key: keys.session(sessionId), ConsistentRead: true }),
    );
    return Item && asSession(Item);
  }

  /** Up to `limit` sessions in the table's order, after the session `after`. */
  async listSessions(limit: number, after?: string): Promise<{ sessions: Session[]; last?: string }> {
    const { Items, LastEvaluatedKey } = await this.#documents.send(
      new ScanCommand({
        TableName: this.#table,
        Limit: limit,
        ConsistentRead: true,
        ...(after === undefined ? {} : { ExclusiveStartKey: keys.session(after) }),
      }),
    );
    const sessions = (Items ?? []).map(asSession);
    const last: unknown = LastEvaluatedKey?.pk;
    return typeof last === "string" ? { sessions, last } : { sessions };
  }

  /** The segment in which the cursor begins must not be freed. */
  async create(cursor: Cursor, session: Session): Promise<void> {
    await this.#cursors.create(cursor, [this.#put(session)]);
  }

  /**
   * Writes the new configuration together with a change of the cursor, and returns the new cursor.
   * @param mustBeHeld a segment that must not be freed, because the session moves into it
   */
  async change(
    cursor: Cursor,
    change: CursorChange,
    session: Session,
    { mustBeHeld }: { readonly mustBeHeld?: Segment | undefined } = {},
  ): Promise<Cursor> {
    const held = mustBeHeld === undefined ? [] : [this.#references.heldCheck(session.feed, mustBeHeld)];
    return this.#cursors.write(cursor, change, [...held, this.#put(session)]);
  }

  async remove(cursor: Cursor): Promise<void> {
    await this.#cursors.remove(cursor, [
      { Delete: { TableName: this.#table, Key: keys.session(cursor.session) } },
    ]);
  }

  #put(session: Session): TransactItem {
    return { Put: { TableName: this.#table, Item: { ...keys.session(session.session), ...session } } };
  }
}

function asSession(item: Record<string, unknown>): Session {
  const { pk, ...session } = item;
  return session as unknown as Session;
}
