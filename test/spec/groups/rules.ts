import { type Segment, type Sequence, segmentOf } from "../../../shared/queue/sequence.ts";

/**
 * The rules of a cursor group: one row that holds the cursors of up to 32 sessions of a feed. Each function computes what
 * one write changes. The condition of every write is the `version` that was read, and every write but the mark grows it.
 *
 * | from                              | to        | by              | function                                    |
 * |-----------------------------------|-----------|-----------------|---------------------------------------------|
 * | parked                            | signalled | notify, sweep   | `mark` (the version stays)                  |
 * | parked, signalled, active expired | active    | deliver         | `take` (fence + 1)                          |
 * | active                            | active    | its holder      | `extend`                                    |
 * | active                            | parked    | its holder      | `park`                                      |
 * | any                               | the same  | a late request  | `settle`                                    |
 * | any                               | the same  | a person        | `changeCursor`, `leave`                     |
 * | any but active                    | the same  | sweep           | `cross`                                     |
 */
export interface CursorGroup {
  readonly state: "parked" | "signalled" | "active";
  /** Grows with every write but the mark. */
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
  readonly cursors: Readonly<Record<string, GroupCursor>>;
}

/** What a group holds of one session. */
export interface GroupCursor {
  /** The first number that the session has not received. */
  readonly next: Sequence;
  /** The end of the batch that was in flight at the last write, or that failed. It is repeated exactly. */
  readonly batchLast?: Sequence | undefined;
  /** Replaces `planned` after a holder died: batches are cut as if the feed ended here, until `next` is beyond it. */
  readonly limit?: Sequence | undefined;
  /** Grows when anyone but the holder moves the cursor or changes how its batches are cut. Part of a batch's id. */
  readonly generation: number;
  readonly stopped?: "paused" | "suspended" | undefined;
  /** Failures in a row. */
  readonly attempts: number;
  readonly dueAtEpochMillis?: number | undefined;
  /** The number of requests that outlived their turn. The last one's outcome is written under this number. */
  readonly requests: number;
  /** Until when that request may be under way; absent when none is. */
  readonly requestUntilEpochMillis?: number | undefined;
}

/** The attributes that a write changes; `undefined` removes an attribute. */
export type GroupChange = Partial<CursorGroup>;

export interface Batch {
  readonly first: Sequence;
  readonly last: Sequence;
}

/** Where a batch that begins at `next` ends, if the feed ends at `limit`. A pure function of the log and the session. */
export type Cut = (session: string, next: Sequence, limit: Sequence) => Sequence;

/** Whether a turn may take the group. */
export function isTakeable(group: CursorGroup, nowEpochMillis: number): boolean {
  return group.state !== "active" || (group.leaseUntilEpochMillis ?? 0) <= nowEpochMillis;
}

/** Whether a cursor waits for nothing but messages. An overdue request needs a write before the next batch begins. */
export function isReady(cursor: GroupCursor, nowEpochMillis: number): boolean {
  return cursor.stopped === undefined && (cursor.dueAtEpochMillis ?? 0) <= nowEpochMillis && !isOut(cursor);
}

/** Whether a request that outlived its turn is noted. */
export function isOut(cursor: GroupCursor): boolean {
  return cursor.requestUntilEpochMillis !== undefined;
}

/** Whether a cursor has something to send now. */
export function hasWork(cursor: GroupCursor, tail: Sequence, nowEpochMillis: number): boolean {
  return cursor.next <= tail && isReady(giveUpOverdue(cursor, nowEpochMillis), nowEpochMillis);
}

/** Whether the group has a session with something to send now. */
export function needsTurn(group: CursorGroup, tail: Sequence, nowEpochMillis: number): boolean {
  return Object.values(group.cursors).some((cursor) => hasWork(cursor, tail, nowEpochMillis));
}

/**
 * The batch that a session may begin under the row as written; undefined when it needs a write first. The same row and
 * log give the same batches, so whoever continues after a crash repeats them exactly.
 */
export function permittedBatch(
  session: string,
  cursor: GroupCursor,
  planned: Sequence | undefined,
  cut: Cut,
): Batch | undefined {
  const limit = cursor.limit ?? planned;
  if (limit === undefined || cursor.next > limit) return undefined;
  return { first: cursor.next, last: cursor.batchLast ?? cut(session, cursor.next, limit) };
}

interface Hold {
  readonly tail: Sequence;
  readonly leaseUntilEpochMillis: number;
  readonly nowEpochMillis: number;
}

/**
 * Marks a parked group as signalled. Write this after the wake was sent, on condition that the group is still parked.
 * The version stays: a turn or a person that read the group before the mark may still write.
 */
export function mark(): GroupChange {
  return { state: "signalled" };
}

/**
 * Takes the group. A holder that died may have sent batches up to `planned` which the row does not name. Its cursors
 * keep that end as their own limit, so that those batches are cut again in the same places.
 */
export function take(read: CursorGroup, holder: string, { tail, ...hold }: Hold): GroupChange {
  const { planned } = read;
  const bound = (cursor: GroupCursor): GroupCursor =>
    planned === undefined ||
    cursor.limit !== undefined ||
    cursor.next > planned ||
    (cursor.batchLast ?? 0) >= planned
      ? cursor
      : { ...cursor, limit: planned };
  return written(read, {
    state: "active",
    fence: read.fence + 1,
    holder,
    leaseUntilEpochMillis: hold.leaseUntilEpochMillis,
    planned: Math.max(planned ?? 0, tail),
    cursors: mapCursors(read, (cursor) => giveUpOverdue(bound(cursor), hold.nowEpochMillis)),
  });
}

/** Keeps the group: writes every session's progress, plans up to the tail, and renews the lease. */
export function extend(held: CursorGroup, { tail, ...hold }: Hold): GroupChange {
  return written(held, {
    leaseUntilEpochMillis: hold.leaseUntilEpochMillis,
    planned: Math.max(held.planned ?? 0, tail),
    cursors: mapCursors(held, (cursor) => giveUpOverdue(withoutPassedLimit(cursor), hold.nowEpochMillis)),
  });
}

/**
 * Parks the group. A turn that ends does not wait for requests under way: it notes until when they are, and their
 * outcomes are written by `settle`. The holder knows all that it sent, so nothing is planned beyond the row.
 * @param underWay sessions with a request under way
 */
export function park(
  held: CursorGroup,
  underWay: ReadonlySet<string>,
  requestUntilEpochMillis: number,
): GroupChange {
  return written(held, {
    state: "parked",
    leaseUntilEpochMillis: undefined,
    planned: undefined,
    cursors: mapCursors(held, (cursor, session) => ({
      ...withoutPassedLimit(cursor),
      ...(underWay.has(session) ? { requests: cursor.requests + 1, requestUntilEpochMillis } : {}),
    })),
  });
}

/** A cursor whose batch begins. */
export function begin(cursor: GroupCursor, { last }: Batch): GroupCursor {
  return { ...cursor, batchLast: last };
}

/** A cursor whose batch was accepted. Its limit stays until a write: beyond it nothing may begin under the old row. */
export function accept(cursor: GroupCursor, { last }: Batch): GroupCursor {
  return { ...cursor, next: last + 1, batchLast: undefined, attempts: 0, dueAtEpochMillis: undefined };
}

/** A cursor whose batch failed. The batch keeps its end and is due later. */
export function fail(cursor: GroupCursor, { last }: Batch, dueAtEpochMillis: number): GroupCursor {
  return { ...cursor, batchLast: last, attempts: cursor.attempts + 1, dueAtEpochMillis };
}

/** Identifies a request that outlived its turn. */
export interface LateRequest {
  readonly session: string;
  readonly generation: number;
  readonly number: number;
}

/**
 * Writes the outcome of a request that outlived its turn, whoever holds the group. Undefined when the outcome no longer
 * counts: the session is gone, a person moved it, or the request was given up.
 */
export function settle(
  read: CursorGroup,
  { session, generation, number }: LateRequest,
  outcomeOf: (cursor: GroupCursor) => GroupCursor,
): GroupChange | undefined {
  const cursor = read.cursors[session];
  if (cursor === undefined || !isOut(cursor)) return undefined;
  if (cursor.generation !== generation || cursor.requests !== number) return undefined;
  return changeCursor(read, session, { ...outcomeOf(cursor), requestUntilEpochMillis: undefined });
}

/**
 * What a holder goes on with after its write found another version. The row wins, with the fields that the holder has
 * changed since `base`. The progress of a cursor that was moved meanwhile is dropped.
 * @param base the row that the holder knew
 * @param mine the same with the holder's unwritten progress
 */
export function merge(base: CursorGroup, mine: CursorGroup, row: CursorGroup): CursorGroup {
  return {
    ...row,
    cursors: mapCursors(row, (cursor, session) => {
      const [known, own] = [base.cursors[session], mine.cursors[session]];
      return known === undefined || own === undefined || own.generation !== cursor.generation
        ? cursor
        : { ...cursor, ...changedFields(known, own) };
    }),
  };
}

/** A person's change, a new session, or a late outcome: one cursor, no new fence. */
export function changeCursor(read: CursorGroup, session: string, cursor: GroupCursor): GroupChange {
  return written(read, { cursors: { ...read.cursors, [session]: cursor } });
}

/** Takes a session out; undefined when it was the last one, and the row is deleted. */
export function leave(read: CursorGroup, session: string): GroupChange | undefined {
  const { [session]: _, ...cursors } = read.cursors;
  return Object.keys(cursors).length === 0 ? undefined : written(read, { cursors });
}

/** Counts a resting group in the segment of its slowest cursor, when a conflict kept its holder from it. */
export function cross(read: CursorGroup): GroupChange {
  return written(read, { cursors: read.cursors });
}

/** The segment of the slowest cursor. */
export function referenceOf({ cursors, segmentSize }: CursorGroup): Segment {
  return Math.min(...Object.values(cursors).map(({ next }) => segmentOf(next, segmentSize)));
}

export function pause(cursor: GroupCursor): GroupCursor {
  return { ...cursor, stopped: "paused" };
}

/** Continues at the same place: the last refused batch is retried with its old id. */
export function resume(cursor: GroupCursor): GroupCursor {
  return { ...cursor, stopped: undefined, attempts: 0, dueAtEpochMillis: undefined };
}

/** Moves the cursor. Everything that is under way for it no longer counts. */
export function seek(cursor: GroupCursor, next: Sequence): GroupCursor {
  return {
    ...newCursor(next),
    generation: cursor.generation + 1,
    stopped: cursor.stopped,
    requests: cursor.requests,
  };
}

export function newCursor(next: Sequence): GroupCursor {
  return { next, generation: 1, attempts: 0, requests: 0 };
}

function written(read: CursorGroup, change: GroupChange): GroupChange {
  return { ...change, segment: referenceOf({ ...read, ...change }), version: read.version + 1 };
}

function withoutPassedLimit(cursor: GroupCursor): GroupCursor {
  return cursor.limit !== undefined && cursor.next > cursor.limit ? { ...cursor, limit: undefined } : cursor;
}

/** Drops the note of a request whose time is over: whoever made it has died, and the batch is repeated. */
function giveUpOverdue(cursor: GroupCursor, nowEpochMillis: number): GroupCursor {
  const { requestUntilEpochMillis: until } = cursor;
  return until !== undefined && until <= nowEpochMillis
    ? { ...cursor, requestUntilEpochMillis: undefined }
    : cursor;
}

function mapCursors(
  { cursors }: CursorGroup,
  change: (cursor: GroupCursor, session: string) => GroupCursor,
): Record<string, GroupCursor> {
  return Object.fromEntries(
    Object.entries(cursors).map(([session, cursor]) => [session, change(cursor, session)]),
  );
}

function changedFields(before: GroupCursor, after: GroupCursor): Partial<GroupCursor> {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)] as (keyof GroupCursor)[]);
  return Object.fromEntries(
    [...fields].filter((field) => before[field] !== after[field]).map((field) => [field, after[field]]),
  );
}
