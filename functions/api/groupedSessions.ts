import { EventFilterError, FenceLostError, TransactionRefusedError } from "../../shared/errors.ts";
import { type CursorGroup, changeCursor, isOnlyProgressed, isTakeable } from "../../shared/groups/group.ts";
import {
  type GroupCursor,
  newGroupCursor,
  pause,
  reconfigure,
  resume,
  revise,
  seek,
} from "../../shared/groups/groupCursor.ts";
import { joinListed, type ListedGroup, unionOfInterests } from "../../shared/groups/membership.ts";
import { segmentOf } from "../../shared/queue/sequence.ts";
import type { Tail } from "../../shared/queue/tail.ts";
import { selectionOf } from "../../shared/sessions/selection.ts";
import type { WebhookSession } from "../../shared/sessions/session.ts";
import type { ApiParts } from "./parts.ts";
import type { Place } from "./position.ts";
import type { CursorWish } from "./storedSession.ts";

/*
 * Webhook sessions whose cursor is in a group. A change of one of them is a write under the group's version, so it may be
 * overtaken by the group's holder, who writes with every page.
 */

/** Attempts at a place in a group with room. After them a session begins a new group, where nobody competes. */
const MOST_JOINS = 12;

/** Pauses between them are up to this, times the number of the attempt. */
const JOIN_PAUSE_MILLIS = 20;

/**
 * A new session joins a group of its feed with room, or begins one. Sessions that are created at once in this process come one
 * after the other: each would find no room and begin a group.
 *
 * Only some groups are looked at, from a random place on, so that a session costs the same however many its feed has. Where
 * there are more groups than that, room may be overlooked. It is found as soon as one group in fifty or so has some, so
 * groups stay nearly full (test/unit/groups/membership.test.ts).
 * @returns the group's row
 * @throws TransactionRefusedError when the segment is freed or the session exists
 */
export async function joinSomeGroup(
  parts: ApiParts,
  session: WebhookSession,
  { next, gap }: Place,
  tail: Tail,
): Promise<CursorGroup> {
  const cursor = newGroupCursor(next, gap);
  const { feed } = session;
  const join = (listed: readonly ListedGroup[], newGroupId: string) => {
    const born = {
      feed,
      segmentSize: tail.segmentSize,
      newGroupId,
      nowEpochMillis: parts.clock.nowEpochMillis(),
    };
    const { joining, names } = joinListed(
      listed,
      { session: session.session, cursor, interest: interestOf(session) },
      born,
    );
    return parts.sessions.join(joining, session, { interest: { names } });
  };
  return parts.groupChanges.run(feed, async () => {
    for (let attempt = 1; attempt <= MOST_JOINS; attempt += 1) {
      try {
        const newGroupId = parts.newGroupId();
        return await join((await parts.groups.listSomeGroups(feed, newGroupId)).groups, newGroupId);
      } catch (error) {
        if (!isLostRace(error)) throw error;
        await parts.clock.sleep(parts.random() * attempt * JOIN_PAUSE_MILLIS);
      }
    }
    return join([], parts.newGroupId());
  });
}

/** What a person changes of a session, besides its URL and secrets, which are in its configuration. */
export interface GroupedWish extends CursorWish {
  /** Whether the filter or the size of batches changes, so that batches are cut anew. */
  readonly isRebatched: boolean;
  readonly isFiltered: boolean;
}

/**
 * Writes a session's new configuration together with the change of its cursor.
 * @returns the group's row
 */
export async function changeInGroup(
  parts: ApiParts,
  read: CursorGroup,
  changed: WebhookSession,
  wish: GroupedWish,
): Promise<CursorGroup> {
  const { session } = changed;
  return inTurn(parts, read, session, async (fresh) => {
    const interest = wish.isFiltered
      ? { names: await interestOfAll(parts, fresh, session, changed) }
      : undefined;
    const mustBeHeld = wish.place && segmentOf(wish.place.next, fresh.segmentSize);
    const isRight = interest ? isOnlyProgressed : isUnchanged(session);
    return overHolder(parts, fresh, isRight, (row) => {
      const change = changeCursor(row, session, fulfil(cursorIn(row, session), wish));
      return parts.sessions.changeInGroup(row, change, changed, { interest, mustBeHeld });
    });
  });
}

/** Deletes a session and takes its cursor out of the group. */
export async function leaveGroup(parts: ApiParts, session: WebhookSession, read: CursorGroup): Promise<void> {
  await inTurn(parts, read, session.session, async (fresh) => {
    const names = await interestOfAll(parts, fresh, session.session);
    await overHolder(parts, fresh, isOnlyProgressed, (row) => parts.sessions.leave(row, session, { names }));
  });
}

/** Wakes a group that nobody holds. The change is durable, so a wake that cannot be sent is left to the sweep. */
export async function wakeGroup({ wakes, clock, log }: ApiParts, row: CursorGroup): Promise<void> {
  if (!isTakeable(row, clock.nowEpochMillis())) return;
  const { feed, group } = row;
  try {
    await wakes.sendWake({ feed, group });
  } catch (error) {
    log.error("a wake could not be sent; the sweep will repair it", { feed, group, error });
  }
}

function fulfil(cursor: GroupCursor, { place, state, isRebatched }: GroupedWish): GroupCursor {
  let changed = revise(cursor);
  if (isRebatched) changed = reconfigure(changed);
  if (place !== undefined) changed = seek(changed, place.next, place.gap);
  if (state === "paused") changed = pause(changed);
  if (state === "active") changed = resume(changed);
  return changed;
}

/**
 * Changes of one feed's groups come one after the other within this process, each on a new read.
 * @param read the row beside which the session's configuration was read
 * @throws FenceLostError when somebody has changed the session since
 */
function inTurn<T>(
  parts: ApiParts,
  read: CursorGroup,
  session: string,
  change: (fresh: CursorGroup) => Promise<T>,
): Promise<T> {
  const { feed, group, fence } = read;
  return parts.groupChanges.run(feed, async () => {
    const fresh = await parts.groups.readGroup(feed, group);
    if (fresh === undefined || !isUnchanged(session)(read, fresh))
      throw new FenceLostError({ feed, session, fence });
    return change(fresh);
  });
}

/** Whether nobody but a holder has written a session's cursor between two reads. */
function isUnchanged(session: string): (before: CursorGroup, now: CursorGroup) => boolean {
  return (before, now) => {
    const revision = now.cursors[session]?.revision;
    return revision !== undefined && revision === before.cursors[session]?.revision;
  };
}

/** Writes again at once as long as only the holder was faster. */
const MOST_WRITES = 10;

/**
 * A write of a person, repeated on the group's newest row while others have changed nothing that it depends on. The holder of
 * a busy group writes every few milliseconds, and what a person wants depends on none of its progress.
 */
async function overHolder<T>(
  { groups }: ApiParts,
  read: CursorGroup,
  isRight: (before: CursorGroup, now: CursorGroup) => boolean,
  write: (row: CursorGroup) => Promise<T>,
): Promise<T> {
  let row = read;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write(row);
    } catch (error) {
      if (!isLostRace(error) || attempt === MOST_WRITES) throw error;
      const now = await groups.readGroup(row.feed, row.group);
      if (now === undefined || !isRight(row, now)) throw error;
      row = now;
    }
  }
}

/** Whether the same write may succeed on the row as it is now. */
function isLostRace(error: unknown): boolean {
  return error instanceof FenceLostError || (error instanceof TransactionRefusedError && error.retryable);
}

function cursorIn({ feed, cursors, fence }: CursorGroup, session: string): GroupCursor {
  const cursor = cursors[session];
  if (cursor === undefined) throw new FenceLostError({ feed, session, fence });
  return cursor;
}

/**
 * What a group's sessions want after a change of one of them. Every change of a filter writes the group, so what was read is
 * still true when the group is written as it was read.
 * @param changed the session's new configuration; undefined when it leaves
 */
async function interestOfAll(
  parts: ApiParts,
  { cursors }: CursorGroup,
  session: string,
  changed?: WebhookSession,
): Promise<readonly string[] | undefined> {
  const others = Object.keys(cursors).filter((id) => id !== session);
  const sessions = (await parts.sessions.readSessions(others)).filter(({ kind }) => kind === "webhook");
  // A session that cannot be read may want anything.
  if (sessions.length < others.length) return undefined;
  const all = [...(changed ? [changed] : []), ...sessions];
  return unionOfInterests(all.map((each) => (each.kind === "webhook" ? interestOf(each) : undefined)));
}

/** An earlier release may have taken a filter that this one refuses. Its session is woken for everything. */
function interestOf({ format, filter }: WebhookSession): readonly string[] | undefined {
  try {
    return selectionOf(format, filter).interest;
  } catch (error) {
    if (error instanceof EventFilterError) return undefined;
    throw error;
  }
}
