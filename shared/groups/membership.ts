import { segmentOf } from "../queue/sequence.ts";
import type { Cursor, DeliveryFailure } from "../sessions/cursor.ts";
import {
  type CursorGroup,
  changeCursor,
  epochOf,
  GROUP_SESSIONS,
  type GroupChange,
  newGroup,
} from "./group.ts";
import { type GroupCursor, isOut } from "./groupCursor.ts";

/*
 * How sessions come into groups. A session joins a group with room when it is created, or when the sweep packs its row, and
 * leaves it when it is deleted. There are no other moves.
 */

/** A group together with what its sessions want. */
export interface ListedGroup {
  readonly group: CursorGroup;
  /** The names that any of its sessions wants; undefined means all. */
  readonly interest: readonly string[] | undefined;
}

/** The write by which a session joins: a new group, or a change of one that was read. */
export type Joining =
  | { readonly kind: "new"; readonly group: CursorGroup }
  | { readonly kind: "change"; readonly read: CursorGroup; readonly change: GroupChange };

/** The fullest group with room, so that few groups are half empty. */
export function groupWithRoom(groups: readonly CursorGroup[]): CursorGroup | undefined {
  const size = ({ cursors }: CursorGroup) => Object.keys(cursors).length;
  return groups
    .filter((group) => size(group) < GROUP_SESSIONS)
    .reduce<CursorGroup | undefined>(
      (fullest, group) => (fullest === undefined || size(group) > size(fullest) ? group : fullest),
      undefined,
    );
}

/**
 * A session joins a group with room, or a new one.
 * @param born.newGroupId random
 */
export function joinGroup(
  groups: readonly CursorGroup[],
  session: string,
  cursor: GroupCursor,
  born: { feed: string; segmentSize: number; newGroupId: string; nowEpochMillis: number },
): Joining {
  const read = groupWithRoom(groups);
  if (read !== undefined) return { kind: "change", read, change: changeCursor(read, session, cursor) };
  const { newGroupId, ...rest } = born;
  return { kind: "new", group: newGroup({ ...rest, group: newGroupId, session, cursor }) };
}

/**
 * The same together with the group's interest, which the transaction writes.
 * @param joins what the session wants; without `interest` everything
 */
export function joinListed(
  listed: readonly ListedGroup[],
  joins: {
    readonly session: string;
    readonly cursor: GroupCursor;
    readonly interest: readonly string[] | undefined;
  },
  born: Parameters<typeof joinGroup>[3],
): { readonly joining: Joining; readonly names: readonly string[] | undefined } {
  const groups = listed.map(({ group }) => group);
  const joining = joinGroup(groups, joins.session, joins.cursor, born);
  const others = joining.kind === "new" ? [] : listed.filter(({ group }) => group === joining.read);
  return { joining, names: unionOfInterests([...others.map(({ interest }) => interest), joins.interest]) };
}

/**
 * The cursor of a session whose row is packed. Its revision makes the session's epoch in the group exceed that of the row.
 * @param fence of the group that it joins; 0 for a new group
 */
export function packedCursor(row: Cursor, fence: number): GroupCursor {
  const { next, previous, batchLast, generation, gap, attempts, state, lastDeliveryEpochMillis } = row;
  const seconds = (epochMillis: number | undefined) =>
    epochMillis === undefined ? undefined : Math.floor(epochMillis / 1000);
  return {
    next,
    previous,
    batchLast,
    generation,
    revision: Math.max(1, row.fence + 1 - fence),
    gap,
    stopped: state === "paused" || state === "suspended" ? state : undefined,
    attempts,
    dueAtEpochMillis: state === "backoff" ? row.dueAtEpochMillis : undefined,
    failingSinceEpochSeconds: seconds(row.failingSinceEpochMillis),
    requests: 0,
    lastDeliveryEpochSeconds: seconds(lastDeliveryEpochMillis),
  };
}

/**
 * A session of a group as the row of a single session shows it, for people and for the outlet.
 * @param lastError of a session that counts attempts
 */
export function cursorOf(
  group: CursorGroup,
  session: string,
  lastError?: DeliveryFailure,
): Cursor | undefined {
  const cursor = group.cursors[session];
  if (cursor === undefined) return undefined;
  const { feed, segmentSize, leaseUntilEpochMillis, changedAtEpochMillis } = group;
  const { next, previous, batchLast, generation, gap, attempts, dueAtEpochMillis } = cursor;
  const millis = (epochSeconds: number | undefined) =>
    epochSeconds === undefined ? undefined : epochSeconds * 1000;
  return {
    feed,
    session,
    state: shownState(group, cursor),
    next,
    segment: segmentOf(next, segmentSize),
    segmentSize,
    fence: epochOf(group, cursor),
    lane: attempts > 0 ? "slow" : "fast",
    previous,
    generation,
    attempts,
    batchLast,
    gap,
    leaseUntilEpochMillis: group.state === "active" ? leaseUntilEpochMillis : cursor.requestUntilEpochMillis,
    dueAtEpochMillis,
    failingSinceEpochMillis: millis(cursor.failingSinceEpochSeconds),
    changedAtEpochMillis,
    lastDeliveryEpochMillis: millis(cursor.lastDeliveryEpochSeconds),
    lastError: attempts > 0 ? lastError : undefined,
  };
}

/** All sessions of a group as the rows of single sessions show them. */
export function cursorsOf(group: CursorGroup): Cursor[] {
  return Object.keys(group.cursors)
    .map((session) => cursorOf(group, session))
    .filter((cursor) => cursor !== undefined);
}

/** A session whose request outlived its turn is at work, although its group rests. */
function shownState({ state }: CursorGroup, cursor: GroupCursor): Cursor["state"] {
  if (cursor.stopped !== undefined) return cursor.stopped;
  if (isOut(cursor)) return "active";
  return cursor.dueAtEpochMillis === undefined ? state : "backoff";
}

/** Longer interests are not stored: notify reads them with every page. */
const MOST_INTEREST_CHARACTERS = 4_096;

/** What any of some sessions wants; undefined when one of them wants everything, or the names are too many to keep. */
export function unionOfInterests(
  interests: readonly (readonly string[] | undefined)[],
): readonly string[] | undefined {
  const names = new Set<string>();
  for (const interest of interests) {
    if (interest === undefined) return undefined;
    for (const name of interest) names.add(name);
  }
  const characters = [...names].reduce((sum, name) => sum + name.length, 0);
  return characters > MOST_INTEREST_CHARACTERS ? undefined : [...names].sort();
}
