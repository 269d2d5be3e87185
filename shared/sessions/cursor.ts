import { GAP_TYPE, type GapReason } from "../queue/message.ts";
import { type Segment, type Sequence, segmentOf } from "../queue/sequence.ts";
import { LONGEST_LEASE_MILLIS } from "../runtime/settings.ts";
import type { SessionKind } from "./session.ts";

/**
 * The cursor: a session's durable row, and the rules for changing it. Its holder is a turn of deliver, or the connection
 * of an AMI user. Every change is one conditional write. The
 * condition names the state, the fence and the segment that were read (`rowToFind`, used by shared/aws/cursorItems.ts).
 * The functions here compute the new row.
 *
 * | from                                                | to        | by                  | function            |
 * |-----------------------------------------------------|-----------|---------------------|---------------------|
 * | parked                                              | signalled | notify, sweep       | `signal`            |
 * | parked, signalled, backoff due, active expired      | active    | deliver             | `take` (fence + 1)  |
 * | parked, active                                      | active    | a connection's login | `hold` (fence + 1) |
 * | active                                              | active    | deliver, a connection | `advance`         |
 * | active                                              | parked    | deliver, a connection | `park`, `changeLane` |
 * | active                                              | backoff   | deliver             | `backOff`           |
 * | active                                              | suspended | deliver             | `suspend` (fence + 1) |
 * | any                                                 | suspended | sweep, beyond the tail | `suspend` (fence + 1) |
 * | any                                                 | paused    | a person            | `pause` (fence + 1) |
 * | any                                                 | parked    | a person            | `resume` (fence + 1) |
 * | any                                                 | the same or parked | a person   | `seek`, `reconfigure`, `release` (fence + 1) |
 * | any                                                 | the same or parked | sweep      | `evict` (fence + 1) |
 * | any but active                                      | the same  | sweep               | crosses (fence + 1) |
 * | signalled, backoff due, active expired              | the same  | sweep               | `repeatWake`        |
 * | any                                                 | removed   | a person            | the row is deleted  |
 *
 * Three rules are load-bearing: breaking any of them loses messages (test/races.ts).
 * - The wake is sent before `signal` is written.
 * - `signal` names the fence that was read.
 * - After `park`, the tail is read again, strongly consistent.
 */
export interface Cursor {
  readonly feed: string;
  readonly session: string;
  /** Absent for a webhook: webhook rows are older than this attribute. */
  readonly kind?: SessionKind | undefined;
  readonly state: "parked" | "signalled" | "active" | "backoff" | "paused" | "suspended";
  /** The first number that the session has not received. */
  readonly next: Sequence;
  /** The segment in which the session is counted. It is behind `next` while a crossing is pending. */
  readonly segment: Segment;
  /** The feed's segment size, which never changes. */
  readonly segmentSize: number;
  /** Grows whenever the row is taken over. */
  readonly fence: number;
  readonly lane: "fast" | "slow";
  /** The names that the session wants; absent means all. */
  readonly interest?: readonly string[] | undefined;
  /** The last number that was sent to the endpoint before `next`. */
  readonly previous: Sequence;
  /** Grows when a person changes how batches are made, so that old batch ids are not reused. */
  readonly generation: number;
  /** Failures in a row. */
  readonly attempts: number;
  /** The end of the batch in flight. It is kept until the batch is accepted, so that a retry sends the same batch. */
  readonly batchLast?: Sequence | undefined;
  /** A gap that was not reported to the session yet. It ends before `next`. */
  readonly gap?: CursorGap | undefined;
  readonly leaseUntilEpochMillis?: number | undefined;
  readonly dueAtEpochMillis?: number | undefined;
  readonly failingSinceEpochMillis?: number | undefined;
  /** Times the sweep re-sent the wake this row awaits. */
  readonly wakesRepeated?: number | undefined;
  readonly changedAtEpochMillis: number;
  readonly lastDeliveryEpochMillis?: number | undefined;
  /** When the last connection of an AMI user took the row. */
  readonly heldSinceEpochMillis?: number | undefined;
  readonly lastError?: DeliveryFailure | undefined;
}

export interface CursorGap {
  readonly first: Sequence;
  readonly last: Sequence;
  readonly reason: GapReason;
}

export interface DeliveryFailure {
  readonly reason: string;
  readonly detail: string;
  readonly status?: number | undefined;
  readonly atEpochMillis: number;
}

/** The attributes that a transition writes; `undefined` removes an attribute. */
export type CursorChange = Partial<Omit<Cursor, "feed" | "session" | "kind">>;

/** An endpoint may ask to be left alone for a day (Retry-After); no backoff is longer. */
export const LONGEST_BACKOFF_MILLIS = 86_400_000;

/** A wake that arrives this much early still counts as due: SQS delays are whole seconds. */
export const DUE_TOLERANCE_MILLIS = 250;

/**
 * Clocks of different machines may differ by this much. A row that was written later than that from now on was written
 * before the clock was set back.
 */
const CLOCK_DIFFERENCE_MILLIS = 5_000;

/** Whether deliver may take the row: no turn holds it, and it does not wait for a due time or a person. */
export function isTakeable(cursor: Cursor, nowEpochMillis: number): boolean {
  switch (cursor.state) {
    case "parked":
    case "signalled":
      return true;
    case "backoff":
      return isDue(cursor, nowEpochMillis + DUE_TOLERANCE_MILLIS);
    case "active":
      return isLeaseExpired(cursor, nowEpochMillis);
    case "paused":
    case "suspended":
      return false;
  }
}

/** Whether a row was written in what is now the future: the clock was set back, and the row's times mean nothing. */
export function isFromFuture(cursor: Pick<Cursor, "changedAtEpochMillis">, nowEpochMillis: number): boolean {
  return cursor.changedAtEpochMillis > nowEpochMillis + CLOCK_DIFFERENCE_MILLIS;
}

/** Whether a backoff is over. */
export function isDue(cursor: Cursor, nowEpochMillis: number): boolean {
  return isDueAt(cursor.dueAtEpochMillis, nowEpochMillis) || isFromFuture(cursor, nowEpochMillis);
}

/** Whether a due time has come. One further ahead than any failure sets it was set before the clock was set back. */
export function isDueAt(dueAtEpochMillis: number | undefined, nowEpochMillis: number): boolean {
  return (
    dueAtEpochMillis === undefined ||
    dueAtEpochMillis <= nowEpochMillis ||
    dueAtEpochMillis > nowEpochMillis + LONGEST_BACKOFF_MILLIS + CLOCK_DIFFERENCE_MILLIS
  );
}

/** Whether a lease has expired. One that ends later than the longest possible was taken before the clock was set back. */
export function isLeaseExpired(
  { leaseUntilEpochMillis = 0 }: Pick<Cursor, "leaseUntilEpochMillis">,
  nowEpochMillis: number,
): boolean {
  return (
    leaseUntilEpochMillis <= nowEpochMillis ||
    leaseUntilEpochMillis > nowEpochMillis + LONGEST_LEASE_MILLIS + CLOCK_DIFFERENCE_MILLIS
  );
}

/** Whether somebody holds the row. */
export function isHeld(cursor: Cursor, nowEpochMillis: number): boolean {
  return cursor.state === "active" && !isLeaseExpired(cursor, nowEpochMillis);
}

/** The condition of every write: the row must still have these values. */
export interface RowToFind {
  readonly states: readonly Cursor["state"][];
  readonly fence: number;
  readonly segment: Segment;
  /** Absent when the write does not depend on it. */
  readonly next?: Sequence;
  /** Present when the write takes over from a holder with an expired lease. */
  readonly leaseUntilEpochMillis?: number;
}

/**
 * The condition for writing `change` to a row that was read as `read`.
 *
 * States: a parked row may have been marked signalled since the read. The mark changes nothing else in the row. If
 * deliver gave up on a marked row, the row would stay signalled with its wake used up. Writing the mark requires a
 * parked row.
 *
 * Segment: an active row advances and crosses under one fence. A person or the sweep that read the row before the
 * crossing would remove the reference from a segment in which the session no longer stands.
 *
 * Next: a gap starts at the `next` that was read. The row may have advanced into the gap since.
 *
 * Lease: a holder with an expired lease may be slow rather than dead. It may have advanced since the read, and renewed
 * its lease. A takeover would then continue from the old number and move the cursor back.
 */
export function rowToFind(read: Cursor, change: CursorChange): RowToFind {
  const { state, fence, segment, next } = read;
  const states: RowToFind["states"] =
    state === "parked" && change.state !== "signalled" ? ["parked", "signalled"] : [state];
  const takesOver = state === "active" && change.state === "active" && change.fence !== undefined;
  const { leaseUntilEpochMillis } = read;
  return {
    states,
    fence,
    segment,
    ...(change.gap === undefined ? {} : { next }),
    ...(takesOver && leaseUntilEpochMillis !== undefined ? { leaseUntilEpochMillis } : {}),
  };
}

/** Marks a parked row as signalled. Write this after the wake was sent. */
export function signal(nowEpochMillis: number): CursorChange {
  return { state: "signalled", wakesRepeated: undefined, changedAtEpochMillis: nowEpochMillis };
}

/** Counts a re-sent wake. The row keeps waiting. */
export function repeatWake(cursor: Cursor, nowEpochMillis: number): CursorChange {
  return { wakesRepeated: (cursor.wakesRepeated ?? 0) + 1, changedAtEpochMillis: nowEpochMillis };
}

export function take(
  cursor: Cursor,
  plan: { batchLast: Sequence | undefined; leaseMillis: number; nowEpochMillis: number },
): CursorChange {
  return {
    state: "active",
    fence: cursor.fence + 1,
    leaseUntilEpochMillis: plan.nowEpochMillis + plan.leaseMillis,
    dueAtEpochMillis: undefined,
    wakesRepeated: undefined,
    batchLast: plan.batchLast,
    changedAtEpochMillis: plan.nowEpochMillis,
  };
}

/**
 * Whether a connection of an AMI user may take the row. A turn waits for the holder's lease to expire. A connection may
 * also replace a living one, if its user's second login takes over: the client that comes back after a network cut is
 * not kept waiting by its own old connection. The write names the lease (`rowToFind`), so that progress which the old
 * connection writes at that moment is not undone.
 */
export function isHoldable(cursor: Cursor, nowEpochMillis: number, takesOver: boolean): boolean {
  return isTakeable(cursor, nowEpochMillis) || (takesOver && cursor.state === "active");
}

/** Takes the row for a connection, which then renews the lease as long as it lasts. */
export function hold(
  cursor: Cursor,
  { leaseMillis, nowEpochMillis }: { leaseMillis: number; nowEpochMillis: number },
): CursorChange {
  return {
    ...take(cursor, { batchLast: undefined, leaseMillis, nowEpochMillis }),
    heldSinceEpochMillis: nowEpochMillis,
  };
}

/** The result of an accepted or empty batch. `sentLast` is absent when the batch was empty. */
export interface Progressed {
  readonly next: Sequence;
  readonly sentLast?: number | undefined;
  readonly gapTold?: boolean;
  readonly lane: Cursor["lane"];
  readonly nowEpochMillis: number;
}

export function progress(cursor: Cursor, done: Progressed): Cursor {
  if (done.next < cursor.next) throw new RangeError("a cursor only moves forward");
  const sent = done.sentLast !== undefined || done.gapTold === true;
  const previous = done.sentLast ?? (done.gapTold && cursor.gap ? cursor.gap.last : cursor.previous);
  return {
    ...cursor,
    next: done.next,
    previous,
    batchLast: undefined,
    gap: done.gapTold ? undefined : cursor.gap,
    ...(sent
      ? {
          lane: done.lane,
          attempts: 0,
          failingSinceEpochMillis: undefined,
          lastError: undefined,
          lastDeliveryEpochMillis: done.nowEpochMillis,
        }
      : {}),
  };
}

/** The changes of `progress`, as written. */
function progressed(cursor: Cursor): CursorChange {
  return {
    next: cursor.next,
    previous: cursor.previous,
    gap: cursor.gap,
    lane: cursor.lane,
    attempts: cursor.attempts,
    failingSinceEpochMillis: cursor.failingSinceEpochMillis,
    lastError: cursor.lastError,
    lastDeliveryEpochMillis: cursor.lastDeliveryEpochMillis,
  };
}

/** Keeps the row active: writes the progress, the end of the next batch, and a new lease. */
export function advance(
  cursor: Cursor,
  plan: { batchLast: Sequence | undefined; leaseMillis: number; nowEpochMillis: number },
): CursorChange {
  return {
    ...progressed(cursor),
    batchLast: plan.batchLast,
    leaseUntilEpochMillis: plan.nowEpochMillis + plan.leaseMillis,
  };
}

export function park(cursor: Cursor, nowEpochMillis: number): CursorChange {
  return {
    ...progressed(cursor),
    state: "parked",
    batchLast: undefined,
    leaseUntilEpochMillis: undefined,
    wakesRepeated: undefined,
    changedAtEpochMillis: nowEpochMillis,
  };
}

/** Moves to the slow lane in the middle of a batch. The batch's end is kept, so the slow lane sends the same batch. */
export function changeLane(cursor: Cursor, nowEpochMillis: number): CursorChange {
  return { ...park(cursor, nowEpochMillis), lane: "slow", batchLast: cursor.batchLast };
}

export function backOff(cursor: Cursor, failure: DeliveryFailure, dueAtEpochMillis: number): CursorChange {
  return {
    ...progressed(cursor),
    state: "backoff",
    lane: "slow",
    attempts: cursor.attempts + 1,
    failingSinceEpochMillis: cursor.failingSinceEpochMillis ?? failure.atEpochMillis,
    batchLast: cursor.batchLast,
    dueAtEpochMillis,
    leaseUntilEpochMillis: undefined,
    wakesRepeated: undefined,
    lastError: failure,
    changedAtEpochMillis: failure.atEpochMillis,
  };
}

export function suspend(cursor: Cursor, failure: DeliveryFailure): CursorChange {
  return {
    ...backOff(cursor, failure, 0),
    state: "suspended",
    fence: cursor.fence + 1,
    dueAtEpochMillis: undefined,
  };
}

export function pause(cursor: Cursor, nowEpochMillis: number): CursorChange {
  return { ...release(cursor, nowEpochMillis), state: "paused" };
}

/** Continues at the same place: the last refused batch is retried with its old id. */
export function resume(cursor: Cursor, nowEpochMillis: number): CursorChange {
  return {
    ...release(cursor, nowEpochMillis),
    state: "parked",
    attempts: 0,
    failingSinceEpochMillis: undefined,
  };
}

/** The batches' configuration has changed: the holder loses the row, and batches are planned again. */
export function reconfigure(
  cursor: Cursor,
  interest: readonly string[] | undefined,
  nowEpochMillis: number,
): CursorChange {
  return { ...rebatched(cursor, nowEpochMillis), interest };
}

/** @param gap what the session asked for and can no longer get; it ends before `next` */
export function seek(cursor: Cursor, next: Sequence, nowEpochMillis: number, gap?: CursorGap): CursorChange {
  return {
    ...rebatched(cursor, nowEpochMillis),
    next,
    previous: (gap?.first ?? next) - 1,
    segment: segmentOf(next, cursor.segmentSize),
    gap,
  };
}

/** Moves a session that lags beyond the retention to `floor`. The gap stays in the row until it is reported. */
export function evict(cursor: Cursor, floor: Sequence, nowEpochMillis: number): CursorChange {
  return {
    ...release(cursor, nowEpochMillis),
    next: floor,
    segment: segmentOf(floor, cursor.segmentSize),
    batchLast: undefined,
    gap: { first: cursor.gap?.first ?? cursor.next, last: floor - 1, reason: "retention" },
  };
}

/** A new cursor: parked, with its reference counted in the segment of `next`. */
export function newCursor(born: {
  feed: string;
  session: string;
  kind?: SessionKind;
  next: Sequence;
  segmentSize: number;
  interest: readonly string[] | undefined;
  gap?: CursorGap | undefined;
  nowEpochMillis: number;
}): Cursor {
  const { feed, session, kind = "webhook", next, segmentSize, interest, gap, nowEpochMillis } = born;
  return {
    feed,
    session,
    ...(kind === "webhook" ? {} : { kind }),
    state: "parked",
    next,
    segment: segmentOf(next, segmentSize),
    segmentSize,
    fence: 1,
    lane: "fast",
    interest,
    previous: (gap?.first ?? next) - 1,
    generation: 1,
    attempts: 0,
    ...(gap === undefined ? {} : { gap }),
    changedAtEpochMillis: nowEpochMillis,
  };
}

/** Takes the row from its holder. A row that waits for a due time or a person keeps waiting. */
export function release(cursor: Cursor, nowEpochMillis: number): CursorChange {
  const waits = cursor.state === "backoff" || cursor.state === "paused" || cursor.state === "suspended";
  return {
    fence: cursor.fence + 1,
    leaseUntilEpochMillis: undefined,
    wakesRepeated: undefined,
    state: waits ? cursor.state : "parked",
    changedAtEpochMillis: nowEpochMillis,
  };
}

function rebatched(cursor: Cursor, nowEpochMillis: number): CursorChange {
  return { ...release(cursor, nowEpochMillis), generation: cursor.generation + 1, batchLast: undefined };
}

/** Whether pages with these names concern the session. Gap messages concern every session. */
export function isInterested(cursor: Pick<Cursor, "interest">, names: Iterable<string>): boolean {
  if (cursor.interest === undefined) return true;
  const wanted = new Set([...cursor.interest, GAP_TYPE]);
  for (const name of names) if (wanted.has(name)) return true;
  return false;
}
