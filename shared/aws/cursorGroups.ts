import {
  BatchGetCommand,
  type BatchGetCommandOutput,
  type DynamoDBDocumentClient,
  GetCommand,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { FenceLostError, TransactionRefusedError } from "../errors.ts";
import type { CursorGroup, GroupChange } from "../groups/group.ts";
import type { Joining } from "../groups/membership.ts";
import type { GroupListing, UnreadableGroup } from "../groups/unreadable.ts";
import type { Segment } from "../queue/sequence.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Cursor, DeliveryFailure } from "../sessions/cursor.ts";
import { cursorDelete } from "./cursorItems.ts";
import { cancellationOf, isConditionFailure, winnerOf } from "./failures.ts";
import { asGroup, asGroups, groupDelete, groupPut, groupUpdate } from "./groupItems.ts";
import { listGroups, listSomeGroups } from "./groupLists.ts";
import { keys } from "./keys.ts";
import type { ReferenceMove, ReferenceStore, TransactItem } from "./references.ts";
import { untilProcessed } from "./unprocessed.ts";
import { updateOf } from "./updateOf.ts";

/** The result of a write. A refused one returns the row as it is; undefined when the row is gone. */
export type GroupWritten =
  | { readonly isWritten: true; readonly row: CursorGroup }
  | { readonly isWritten: false; readonly row: CursorGroup | undefined };

/** What a write of a group does besides changing the row. All of it is one transaction. */
export interface Alongside {
  /** What the group's sessions want from now on; `names` is undefined when one of them wants everything. */
  readonly interest?: { readonly names: readonly string[] | undefined } | undefined;
  /** A segment that must not be freed, because a session moves into it. */
  readonly mustBeHeld?: Segment | undefined;
  /** The row of a single session that becomes part of the group. */
  readonly packed?: Cursor | undefined;
  readonly items?: readonly TransactItem[] | undefined;
}

/**
 * The groups of the Cursors table. Every write is conditional on the version that was read, so of two writers that read the
 * same row one wins, and the other gets the row as it is. A change of segment moves the group's reference in the same
 * transaction.
 *
 * No write needs an id by which a lost answer is recognised. A turn knows its own writes by its holder token, everybody else
 * reads the row again and finds the change made.
 */
export class GroupStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #references: ReferenceStore;
  readonly #clock: Clock;

  constructor(documents: DynamoDBDocumentClient, table: string, references: ReferenceStore, clock: Clock) {
    this.#documents = documents;
    this.#table = table;
    this.#references = references;
    this.#clock = clock;
  }

  /**
   * Strongly consistent.
   * @throws GroupUnreadableError
   */
  async readGroup(feed: string, group: string): Promise<CursorGroup | undefined> {
    const { Item } = await this.#documents.send(
      new GetCommand({ TableName: this.#table, Key: keys.group(feed, group), ConsistentRead: true }),
    );
    return Item && asGroup(feed, Item);
  }

  /** Those of some groups that are there, strongly consistent. */
  async readGroups(
    groups: readonly { readonly feed: string; readonly group: string }[],
  ): Promise<{ groups: CursorGroup[]; unreadable: UnreadableGroup[] }> {
    const feeds = new Map(groups.map(({ feed }) => [keys.groups(feed), feed]));
    const wanted = groups.map(({ feed, group }) => keys.group(feed, group));
    const items = await this.#readInBatches(wanted, true);
    return asGroups(items.map((item) => ({ feed: feeds.get(item.pk) ?? "", item })));
  }

  /** All groups of a feed with their interests. */
  listGroups(feed: string): Promise<GroupListing> {
    return listGroups(this.#documents, this.#table, feed);
  }

  /** Some groups of a feed with their interests, from an id on. */
  listSomeGroups(feed: string, from: string): Promise<GroupListing> {
    return listSomeGroups(this.#documents, this.#table, feed, from);
  }

  /**
   * Writes a transition of a group.
   * @throws TransactionRefusedError when the write moves the reference or more, and another transaction conflicted or the
   *   segment is freed
   */
  async write(read: CursorGroup, change: GroupChange, alongside: Alongside = {}): Promise<GroupWritten> {
    const { feed, group: owner, segment: from } = read;
    const { segment: to = from } = change;
    const update = groupUpdate(this.#table, read, change);
    const others = this.#others(read, to === from ? [] : [{ owner, from, to }], alongside);
    try {
      if (others.length === 0) await this.#documents.send(new UpdateCommand(update));
      else
        await this.#documents.send(
          new TransactWriteCommand({ TransactItems: [{ Update: update }, ...others] }),
        );
    } catch (error) {
      if (isConditionFailure(error)) {
        const winner = winnerOf(error);
        return { isWritten: false, row: winner && asGroup(feed, winner) };
      }
      if (isRefusedForRow(error)) return { isWritten: false, row: await this.readGroup(feed, owner) };
      throw refusal(error, read);
    }
    return { isWritten: true, row: { ...read, ...change } };
  }

  /**
   * Writes a change of a person or the sweep, which read the row again if it has changed since.
   * @returns the group's new row
   * @throws FenceLostError when the group has changed since it was read
   * @throws TransactionRefusedError
   */
  async change(read: CursorGroup, change: GroupChange, alongside: Alongside): Promise<CursorGroup> {
    const { isWritten, row } = await this.write(read, change, alongside);
    if (isWritten) return row;
    throw changedSince(read);
  }

  /**
   * A session joins: its group is created or changed, in a segment that is not freed.
   * @returns the group's row
   * @throws FenceLostError when the group has changed since it was read
   * @throws TransactionRefusedError
   */
  async join(joining: Joining, alongside: Alongside): Promise<CursorGroup> {
    if (joining.kind === "change") {
      const { read, change } = joining;
      return this.change(read, change, { mustBeHeld: change.segment, ...alongside });
    }
    const { group } = joining;
    const { segment, group: owner } = group;
    await this.#transact(group, [
      { Put: groupPut(this.#table, group) },
      ...this.#others(group, [{ owner, to: segment }], { mustBeHeld: segment, ...alongside }),
    ]);
    return group;
  }

  /**
   * Deletes a group with its last session.
   * @throws FenceLostError when the group has changed since it was read
   * @throws TransactionRefusedError
   */
  async remove(read: CursorGroup, items: readonly TransactItem[]): Promise<void> {
    const { feed, group, segment } = read;
    await this.#transact(read, [
      { Delete: groupDelete(this.#table, read) },
      ...this.#others(read, [{ owner: group, from: segment }], { items }),
      { Delete: { TableName: this.#table, Key: keys.groupInterest(feed, group) } },
    ]);
  }

  /** Why a session's last attempt failed. It is shown only while the session's cursor counts attempts. */
  async writeError(feed: string, session: string, failure: DeliveryFailure): Promise<void> {
    await this.#documents.send(
      new UpdateCommand({
        TableName: this.#table,
        Key: keys.lastError(feed, session),
        ...updateOf({ failure }),
      }),
    );
  }

  /** The last errors of sessions that have any. */
  async readErrors(
    sessions: readonly { readonly feed: string; readonly session: string }[],
  ): Promise<ReadonlyMap<string, DeliveryFailure>> {
    const wanted = sessions.map(({ feed, session }) => keys.lastError(feed, session));
    const items = await this.#readInBatches(wanted, false);
    return new Map(items.map(({ sk, failure }) => [sk, failure]));
  }

  /** The transaction item that takes over the last error of a session whose row is packed. */
  errorPut(feed: string, session: string, failure: DeliveryFailure): TransactItem {
    return { Put: { TableName: this.#table, Item: { ...keys.lastError(feed, session), failure } } };
  }

  /** The transaction item that forgets a deleted session's last error. */
  errorDelete(feed: string, session: string): TransactItem {
    return { Delete: { TableName: this.#table, Key: keys.lastError(feed, session) } };
  }

  async #readInBatches(
    wanted: readonly Record<string, unknown>[],
    isConsistent: boolean,
  ): Promise<NonNullable<BatchGetCommandOutput["Responses"]>[string]> {
    const items: NonNullable<BatchGetCommandOutput["Responses"]>[string] = [];
    for (let from = 0; from < wanted.length; from += 100)
      await untilProcessed(
        wanted.slice(from, from + 100),
        async (left) => {
          const answer = await this.#documents.send(
            new BatchGetCommand({
              RequestItems: { [this.#table]: { Keys: [...left], ConsistentRead: isConsistent } },
            }),
          );
          items.push(...(answer.Responses?.[this.#table] ?? []));
          return answer.UnprocessedKeys?.[this.#table]?.Keys ?? [];
        },
        this.#clock,
      );
    return items;
  }

  #others(
    { feed, group }: CursorGroup,
    moves: readonly ReferenceMove[],
    alongside: Alongside,
  ): TransactItem[] {
    const { interest, mustBeHeld, packed, items = [] } = alongside;
    const ofPacked = packed && { owner: packed.session, from: packed.segment };
    const Key = keys.groupInterest(feed, group);
    return [
      ...this.#references.move(feed, [...moves, ...(ofPacked ? [ofPacked] : [])]),
      ...(mustBeHeld === undefined ? [] : [this.#references.heldCheck(feed, mustBeHeld)]),
      ...(packed === undefined ? [] : [{ Delete: cursorDelete(this.#table, packed) }]),
      ...(interest === undefined
        ? []
        : [
            interest.names === undefined
              ? { Delete: { TableName: this.#table, Key } }
              : { Update: { TableName: this.#table, Key, ...updateOf({ names: interest.names }) } },
          ]),
      ...items,
    ];
  }

  /** @param items the group's row first */
  async #transact(group: CursorGroup, items: TransactItem[]): Promise<void> {
    try {
      await this.#documents.send(new TransactWriteCommand({ TransactItems: items }));
    } catch (error) {
      throw isRefusedForRow(error) ? changedSince(group) : refusal(error, group);
    }
  }
}

/** Whether the group's row made the transaction fail. It is the first item. */
function isRefusedForRow(error: unknown): boolean {
  const cancellation = cancellationOf(error);
  return cancellation?.kind === "condition" && cancellation.index === 0;
}

function refusal(error: unknown, { feed, group }: CursorGroup): unknown {
  const cancellation = cancellationOf(error);
  if (cancellation === undefined) return error;
  const cause = cancellation.kind === "conflict" ? "conflict" : "changed";
  return new TransactionRefusedError({ feed, session: group, cause });
}

function changedSince({ feed, group, fence }: CursorGroup): FenceLostError {
  return new FenceLostError({ feed, session: group, fence });
}
