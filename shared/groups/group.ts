import { type Segment, type Sequence, segmentOf } from "../queue/sequence.ts";
import { isLeaseExpired } from "../sessions/cursor.ts";
import { type GroupCursor, giveUpOverdue, hasWork, isOut } from "./groupCursor.ts";

/**
 * A cursor group: one row that holds the cursors of up to 32 sessions of a feed, and the rules for changing it
 * (docs/decisions/0017-cursor-groups.md). Every change is one conditional write. The condition is the `version` that was
 * read, and every write but a mark grows it. The functions here compute what the write changes.
 *
 * | from                              | to        | by             | function                                       |
 * |-----------------------------------|-----------|----------------|------------------------------------------------|
 * | parked                            | signalled | notify, sweep  | `signal` (the version stays)                   |
 * | parked, signalled, active expired | active    | deliver        | `take` (fence + 1)                             |
 * | active                            | active    | its holder     | `advance`                                      |
 * | active                            | parked    | its holder     | `park`                                         |
 * | any                               | the same  | a late request | `settle`                                       |
 * | any                               | the same  | a person, the sweep's retention | `changeCursor`, `leave`       |
 * | any but active                    | the same  | sweep          | `cross`                                        |
 * | signalled, active expired         | the same  | sweep          | `repeatWake` (the version stays)               |
 *
 * The wrong variants in test/spec/groups/variants.ts show what each rule is for.
 */
export interface CursorGroup {
  readonly feed: string;
  /** The group's id: random, and never used again. */
  readonly group: string;
  readonly state: "parked" | "signalled" | "active";
  /** Grows with every write but the marks of notify and the sweep. */
  readonly version: number;
  /** Grows whenever the group is taken. */
  readonly fence: number;
  /** A random token of the turn that holds the group, or held it last. A turn recognises its own writes by it. */
  readonly holder?: string | undefined;
  readonly leaseUntilEpochMillis?: number | undefined;
  /**
   * Present while a turn holds the group: the holder may have sent every batch up to this number, cut as if the feed
   * ended here.
   */
  readonly planned?: Sequence | undefined;
  /** The segment in which the group is counted: that of its slowest cursor, or an earlier one. */
  readonly segment: Segment;
  /** The feed's segment size, which never changes. */
  readonly segmentSize: number;
  /** Times the sweep re-sent the wake that this row awaits. */
  readonly wakesRepeated?: number | undefined;
  /** When the row was taken, parked or marked. */
  readonly changedAtEpochMillis: number;
  /** By session id. */
  readonly cursors: Readonly<Record<string, GroupCursor>>;
}

/** The attributes that a write changes; `undefined` removes an attribute. */
export type GroupChange = Partial<Omit<CursorGroup, "feed" | "group" | "segmentSize">>;

/** The most sessions of a group. Their row stays within one write unit of DynamoDB, which is 1,024 bytes. */
export const GROUP_SESSIONS = 32;

/** A group with its first session. It has no holder and is counted where its cursor stands. */
export function newGroup(born: {
  feed: string;
  group: string;
  segmentSize: number;
  session: string;
  cursor: GroupCursor;
  nowEpochMillis: number;
}): CursorGroup {
  const { feed, group, segmentSize, session, cursor, nowEpochMillis } = born;
  return {
    feed,
    group,
    state: "parked",
    version: 1,
    fence: 1,
    segment: segmentOf(cursor.next, segmentSize),
    segmentSize,
    changedAtEpochMillis: nowEpochMillis,
    cursors: { [session]: cursor },
  };
}

/** Whether a turn may take the group. */
export function isTakeable(
  group: Pick<CursorGroup, "state" | "leaseUntilEpochMillis">,
  nowEpochMillis: number,
): boolean {
  return group.state !== "active" || isLeaseExpired(group, nowEpochMillis);
}

/** Whether the group has a session with something to send now. */
export function needsTurn(
  { cursors }: Pick<CursorGroup, "cursors">,
  tail: Sequence,
  nowEpochMillis: number,
): boolean {
  return Object.values(cursors).some((cursor) => hasWork(cursor, tail, nowEpochMillis));
}

/**
 * Marks a parked group as signalled. Write this after the wake was sent, on condition that the group is still parked.
 * The version stays: a turn or a person that read the group before the mark may still write.
 */
export function signal(nowEpochMillis: number): GroupChange {
  return { state: "signalled", wakesRepeated: undefined, changedAtEpochMillis: nowEpochMillis };
}

/** Counts a re-sent wake. The group keeps waiting, and the version stays. */
export function repeatWake({ wakesRepeated = 0 }: CursorGroup, nowEpochMillis: number): GroupChange {
  return { wakesRepeated: wakesRepeated + 1, changedAtEpochMillis: nowEpochMillis };
}

interface Hold {
  readonly tail: Sequence;
  readonly leaseMillis: number;
  readonly nowEpochMillis: number;
}

/**
 * Takes the group. A holder that died may have sent batches up to `planned` which the row does not name. Its cursors
 * keep that number as their own limit, so that those batches are cut again in the same places.
 */
export function take(read: CursorGroup, holder: string, hold: Hold): GroupChange {
  const { planned } = read;
  const bound = (cursor: GroupCursor): GroupCursor =>
    planned === undefined ||
    cursor.limit !== undefined ||
    cursor.next > planned ||
    (cursor.batchLast ?? 0) >= planned
      ? cursor
      : { ...cursor, limit: planned };
  return {
    ...written(read, {
      cursors: mapCursors(read, (cursor) => giveUpOverdue(bound(cursor), hold.nowEpochMillis)),
    }),
    ...held(read, hold),
    state: "active",
    fence: read.fence + 1,
    holder,
    wakesRepeated: undefined,
    changedAtEpochMillis: hold.nowEpochMillis,
  };
}

/** Keeps the group: writes every session's progress, plans up to the tail, and renews the lease. */
export function advance(mine: CursorGroup, hold: Hold): GroupChange {
  const cursors = mapCursors(mine, (cursor) =>
    giveUpOverdue(withoutPassedLimit(cursor), hold.nowEpochMillis),
  );
  return { ...written(mine, { cursors }), ...held(mine, hold) };
}

/**
 * Parks the group. A turn that ends does not wait for requests under way: it notes until when they may be, and their
 * outcomes are written by `settle`. The holder knows all that it sent, so nothing is planned beyond the row.
 * @param underWay until when the request of each session may be under way
 */
export function park(
  mine: CursorGroup,
  underWay: ReadonlyMap<string, number>,
  nowEpochMillis: number,
): GroupChange {
  const cursors = mapCursors(mine, (cursor, session) => {
    const requestUntilEpochMillis = underWay.get(session);
    const kept = withoutPassedLimit(cursor);
    return requestUntilEpochMillis === undefined
      ? kept
      : { ...kept, requests: kept.requests + 1, requestUntilEpochMillis };
  });
  return {
    ...written(mine, { cursors }),
    state: "parked",
    leaseUntilEpochMillis: undefined,
    planned: undefined,
    wakesRepeated: undefined,
    changedAtEpochMillis: nowEpochMillis,
  };
}

/** The outcome of a request that outlived its turn. */
export interface LateOutcome {
  readonly session: string;
  readonly generation: number;
  /** The request's number. */
  readonly number: number;
  readonly change: (cursor: GroupCursor) => GroupCursor;
}

/**
 * Writes the outcomes of requests that outlived their turn, whoever holds the group. Those of sessions that are gone or that
 * somebody moved, and those of requests that were given up, no longer count. Undefined when none does.
 */
export function settle(read: CursorGroup, outcomes: readonly LateOutcome[]): GroupChange | undefined {
  const cursors: Record<string, GroupCursor> = { ...read.cursors };
  let isChanged = false;
  for (const { session, generation, number, change } of outcomes) {
    const cursor = read.cursors[session];
    if (cursor === undefined || !isOut(cursor)) continue;
    if (cursor.generation !== generation || cursor.requests !== number) continue;
    cursors[session] = { ...change(cursor), requestUntilEpochMillis: undefined };
    isChanged = true;
  }
  return isChanged ? written(read, { cursors }) : undefined;
}

/** A person's change, an eviction, or a new session: one cursor, no new fence. */
export function changeCursor(read: CursorGroup, session: string, cursor: GroupCursor): GroupChange {
  return changeCursors(read, { [session]: cursor });
}

/** The same for several sessions at once. */
export function changeCursors(
  read: CursorGroup,
  changed: Readonly<Record<string, GroupCursor>>,
): GroupChange {
  return written(read, { cursors: { ...read.cursors, ...changed } });
}

/**
 * Whether nobody but a holder has written between two reads of a row: the same sessions are in it, each as people have left
 * it.
 */
export function isOnlyProgressed(before: CursorGroup, now: CursorGroup): boolean {
  const sessions = Object.keys(now.cursors);
  return (
    sessions.length === Object.keys(before.cursors).length &&
    sessions.every((session) => before.cursors[session]?.revision === now.cursors[session]?.revision)
  );
}

/** Takes a session out; undefined when it is the last one, and the row is deleted. */
export function leave(read: CursorGroup, session: string): GroupChange | undefined {
  const { [session]: _, ...cursors } = read.cursors;
  return Object.keys(cursors).length === 0 ? undefined : written(read, { cursors });
}

/** Counts a resting group in the segment of its slowest cursor, when a conflict kept its holder from it. */
export function cross(read: CursorGroup): GroupChange {
  return written(read, {});
}

/** Whether a group stands in a later segment than it is counted in, and nobody is at work who could cross. */
export function isCountedBehind(group: CursorGroup): boolean {
  return group.state !== "active" && referenceOf(group) > group.segment;
}

/** The segment of the slowest cursor. */
export function referenceOf({ cursors, segmentSize }: Pick<CursorGroup, "cursors" | "segmentSize">): Segment {
  return segmentOf(Math.min(...Object.values(cursors).map(({ next }) => next)), segmentSize);
}

/** Grows whenever the group is taken or a person changes the session. Webhooks carry it. */
export function epochOf({ fence }: Pick<CursorGroup, "fence">, { revision }: GroupCursor): number {
  return fence + revision;
}

/** What every write of the row has but the marks. */
function written(read: CursorGroup, change: Pick<GroupChange, "cursors">): GroupChange {
  return { ...change, segment: referenceOf({ ...read, ...change }), version: read.version + 1 };
}

function held(read: CursorGroup, { tail, leaseMillis, nowEpochMillis }: Hold): GroupChange {
  return {
    leaseUntilEpochMillis: nowEpochMillis + leaseMillis,
    planned: Math.max(read.planned ?? 0, tail),
  };
}

function withoutPassedLimit(cursor: GroupCursor): GroupCursor {
  return cursor.limit !== undefined && cursor.next > cursor.limit ? { ...cursor, limit: undefined } : cursor;
}

function mapCursors(
  { cursors }: CursorGroup,
  change: (cursor: GroupCursor, session: string) => GroupCursor,
): Record<string, GroupCursor> {
  return Object.fromEntries(
    Object.entries(cursors).map(([session, cursor]) => [session, change(cursor, session)]),
  );
}
