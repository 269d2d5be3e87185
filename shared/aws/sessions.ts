import {
  BatchGetCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  ScanCommand,
  TransactWriteCommand,
} from "@aws-sdk/lib-dynamodb";
import { TransactionRefusedError, UsernameTakenError } from "../errors.ts";
import { type CursorGroup, type GroupChange, leave } from "../groups/group.ts";
import type { Joining } from "../groups/membership.ts";
import type { Segment } from "../queue/sequence.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Cursor, CursorChange } from "../sessions/cursor.ts";
import { type AmiSession, type Session, usernameKey, type WebhookSession } from "../sessions/session.ts";
import type { Alongside, GroupStore } from "./cursorGroups.ts";
import type { CursorStore } from "./cursors.ts";
import { cancellationOf } from "./failures.ts";
import { gathered } from "./gathered.ts";
import { keys } from "./keys.ts";
import type { ReferenceStore, TransactItem } from "./references.ts";
import { untilProcessed } from "./unprocessed.ts";

/** DynamoDB returns 100 items in one call. */
const MOST_READS = 100;

/**
 * The Sessions table, and the transactions that keep it in step with Cursors and Queue.
 *
 * A session is two rows and a count: its configuration here, its cursor in Cursors, its reference in Queue. `create`,
 * `change` and `remove` write them together. A write that only moves the cursor is `CursorStore.write`. The cursor of a
 * session in a group is part of the group's row (`join`, `changeInGroup`, `leave`).
 *
 * An AMI user without `resume` has only its row here. Every AMI user also has an item that reserves its username: the
 * transaction that creates a second user of that name fails. The gateway finds a user by that item.
 *
 * All writes throw FenceLostError when the cursor changed since it was read, and TransactionRefusedError when another
 * transaction conflicted, the session's row changed since it was read, or the segment is freed.
 */
export class SessionStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #cursors: CursorStore;
  readonly #groups: GroupStore;
  readonly #references: ReferenceStore;
  readonly #clock: Pick<Clock, "sleep">;

  constructor(
    documents: DynamoDBDocumentClient,
    table: string,
    {
      cursors,
      groups,
      references,
    }: {
      readonly cursors: CursorStore;
      readonly groups: GroupStore;
      readonly references: ReferenceStore;
    },
    clock: Pick<Clock, "sleep">,
  ) {
    this.#documents = documents;
    this.#table = table;
    this.#cursors = cursors;
    this.#groups = groups;
    this.#references = references;
    this.#clock = clock;
  }

  readSession(sessionId: string): Promise<Session | undefined> {
    return readSession(this.#documents, this.#table, sessionId);
  }

  /** Those of some sessions that are there, strongly consistent. */
  async readSessions(sessionIds: readonly string[]): Promise<Session[]> {
    const sessions: Session[] = [];
    await untilProcessed<Record<string, unknown>>(
      sessionIds.map((id) => keys.session(id)),
      async (left) => {
        const answer = await this.#documents.send(
          new BatchGetCommand({ RequestItems: { [this.#table]: { Keys: [...left], ConsistentRead: true } } }),
        );
        sessions.push(...(answer.Responses?.[this.#table] ?? []).filter(isSession).map(asSession));
        return answer.UnprocessedKeys?.[this.#table]?.Keys ?? [];
      },
      this.#clock,
    );
    return sessions;
  }

  /** Like `readSession`. What is asked for at the same time is one call. */
  gatheredReads(): (sessionId: string) => Promise<Session | undefined> {
    return gathered(MOST_READS, async (ids: readonly string[]) => {
      const [id] = ids;
      if (ids.length === 1 && id !== undefined) return [await this.readSession(id)];
      // DynamoDB refuses a call that names a key twice.
      const found = new Map(
        (await this.readSessions([...new Set(ids)])).map((session) => [session.session, session]),
      );
      return ids.map((each) => found.get(each));
    });
  }

  /** Up to `limit` sessions in the table's order, after the session `after`. */
  async listSessions(limit: number, after?: string): Promise<{ sessions: Session[]; last?: string }> {
    const sessions: Session[] = [];
    let from = after === undefined ? undefined : keys.session(after);
    do {
      const { Items, LastEvaluatedKey } = await this.#documents.send(
        new ScanCommand({
          TableName: this.#table,
          Limit: limit - sessions.length,
          ConsistentRead: true,
          ExclusiveStartKey: from,
        }),
      );
      sessions.push(...(Items ?? []).filter(isSession).map(asSession));
      const last: unknown = LastEvaluatedKey?.pk;
      from = typeof last === "string" ? keys.session(last) : undefined;
      // The items between are usernames.
    } while (from !== undefined && sessions.length < limit);
    // A full list ends with the item that was read last, so that item is a session.
    return from === undefined ? { sessions } : { sessions, last: from.pk };
  }

  /**
   * @param cursor undefined for a session without a position; otherwise the segment in which it begins must not be freed
   * @throws UsernameTakenError
   */
  async create(cursor: Cursor | undefined, session: Session): Promise<void> {
    const items = [this.#putNew(session), ...(await this.#reserve(session))];
    if (cursor === undefined) await this.#write(session, items);
    else await this.#cursors.create(cursor, items);
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

  /** Writes the new configuration of a session without a cursor. */
  async replace(session: AmiSession): Promise<void> {
    await this.#write(session, [this.#put(session)]);
  }

  /** Writes the new configuration of a session that gets a cursor. */
  async addCursor(cursor: Cursor, session: AmiSession): Promise<void> {
    await this.#cursors.create(cursor, [this.#put(session)]);
  }

  /** Writes the new configuration of a session that loses its cursor. */
  async removeCursor(cursor: Cursor, session: AmiSession): Promise<void> {
    await this.#cursors.remove(cursor, [this.#put(session)]);
  }

  /** @param cursor undefined for a session without one */
  async remove(cursor: Cursor | undefined, session: Session): Promise<void> {
    const items: TransactItem[] = [
      { Delete: { TableName: this.#table, Key: keys.session(session.session), ...unchanged(session) } },
    ];
    if (session.kind === "ami")
      items.push({ Delete: { TableName: this.#table, Key: keys.username(usernameKey(session.username)) } });
    if (cursor === undefined) await this.#write(session, items);
    else await this.#cursors.remove(cursor, items);
  }

  /**
   * Writes the configuration of a session that joins a group, and returns the group's row. A new session is created by this;
   * that of a single row (`alongside.packed`) moves.
   */
  async join(joining: Joining, session: WebhookSession, alongside: Alongside): Promise<CursorGroup> {
    const { group } = joining.kind === "new" ? joining.group : joining.read;
    const moved = { ...session, group };
    const { packed } = alongside;
    const items =
      packed === undefined
        ? [this.#putNew(moved)]
        : [
            this.#put(moved),
            ...(packed.lastError
              ? [this.#groups.errorPut(session.feed, session.session, packed.lastError)]
              : []),
          ];
    return this.#groups.join(joining, { ...alongside, items });
  }

  /** Writes the new configuration together with a change of the session's cursor, and returns the group's row. */
  async changeInGroup(
    read: CursorGroup,
    change: GroupChange,
    session: WebhookSession,
    alongside: Alongside,
  ): Promise<CursorGroup> {
    return this.#groups.change(read, change, { ...alongside, items: [this.#put(session)] });
  }

  /** Deletes a session and takes its cursor out of the group. The group goes with its last session. */
  async leave(
    read: CursorGroup,
    { feed, session }: WebhookSession,
    interest: Alongside["interest"],
  ): Promise<void> {
    const change = leave(read, session);
    const items = [
      { Delete: { TableName: this.#table, Key: keys.session(session) } },
      this.#groups.errorDelete(feed, session),
    ];
    if (change === undefined) await this.#groups.remove(read, items);
    else await this.#groups.change(read, change, { interest, items });
  }

  /** Another request may have created the session meanwhile, under the same Idempotency-Key. */
  #putNew(session: Session): TransactItem {
    const Item = { ...keys.session(session.session), ...session };
    return { Put: { TableName: this.#table, Item, ConditionExpression: "attribute_not_exists(pk)" } };
  }

  #put(session: Session): TransactItem {
    const Item = { ...keys.session(session.session), ...session };
    const isAsRead = session.kind === "ami" ? unchanged({ ...session, version: session.version - 1 }) : {};
    return { Put: { TableName: this.#table, Item, ...isAsRead } };
  }

  /** The transaction refuses a second reservation. Most callers learn it here, from a read. */
  async #reserve(session: Session): Promise<TransactItem[]> {
    if (session.kind !== "ami") return [];
    const { username } = session;
    const Key = keys.username(usernameKey(username));
    const { Item } = await this.#documents.send(
      new GetCommand({ TableName: this.#table, Key, ConsistentRead: true }),
    );
    if (Item !== undefined) throw new UsernameTakenError({ username });
    return [
      {
        Put: {
          TableName: this.#table,
          Item: { ...Key, owner: session.session },
          ConditionExpression: "attribute_not_exists(pk)",
        },
      },
    ];
  }

  async #write({ feed, session }: Session, items: TransactItem[]): Promise<void> {
    try {
      await this.#documents.send(new TransactWriteCommand({ TransactItems: items }));
    } catch (error) {
      const cancellation = cancellationOf(error);
      if (cancellation === undefined) throw error;
      const cause = cancellation.kind === "conflict" ? "conflict" : "changed";
      throw new TransactionRefusedError({ feed, session, cause });
    }
  }
}

/** Reads a session's configuration, strongly consistent. */
export async function readSession(
  documents: DynamoDBDocumentClient,
  table: string,
  sessionId: string,
): Promise<Session | undefined> {
  const { Item } = await documents.send(
    new GetCommand({ TableName: table, Key: keys.session(sessionId), ConsistentRead: true }),
  );
  return Item && isSession(Item) ? asSession(Item) : undefined;
}

/** The condition that an AMI user's row has the version that was read; version 0 is no row. */
function unchanged(session: Session) {
  if (session.kind !== "ami") return {};
  if (session.version === 0) return { ConditionExpression: "attribute_not_exists(pk)" };
  return {
    ConditionExpression: "#version = :read",
    ExpressionAttributeNames: { "#version": "version" },
    ExpressionAttributeValues: { ":read": session.version },
  };
}

/** The table also holds usernames. */
function isSession(item: Record<string, unknown>): boolean {
  return item.kind !== undefined;
}

function asSession(item: Record<string, unknown>): Session {
  const { pk, ...session } = item;
  return session as unknown as Session;
}
