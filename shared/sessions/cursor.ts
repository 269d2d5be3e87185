import { GAP_TYPE, type GapReason } from "../queue/message.ts";
import { type Segment, type Sequence, segmentOf } from "../queue/sequence.ts";
import type { SessionKind } from "./session.ts";

/**
 * The cursor: a session's durable row, and the rules by which it changes. Every change is one conditional write that
 * names what was read: the state, the fence, and the segment in which the session is counted (`rowToFind`, written by
 * shared/aws/cursors.ts); the functions here say what it becomes.
 *
 * | from                                                | to        | by                  | function            |
 * |-----------------------------------------------------|-----------|---------------------|---------------------|
 * | parked                                              | signalled | notify, sweep       | `signal`            |
 * | parked, signalled, backoff due, active run out      | active    | deliver             | `take` (fence + 1)  |
 * | active                                              | active    | deliver             | `advance`           |
 * | active                                              | parked    | deliver             | `park`, `changeLane` |
 * | active                                              | backoff   | deliver             | `backOff`           |
 * | active                                              | suspended | deliver             | `suspend` (fence + 1) |
 * | any                                                 | suspended | sweep, beyond the tail | `suspend` (fence + 1) |
 * | any                                                 | paused    | a person            | `pause` (fence + 1) |
 * | any                                                 | parked    | a person            | `resume` (fence + 1) |
 * | any                                                 | the same or parked | a person   | `seek`, `reconfigure`, `release` (fence + 1) |
 * | any                                                 | the same or parked | sweep      | `evict` (fence + 1) |
 * | any but active                                      | the same  | sweep               | crosses (fence + 1) |
 * | signalled, backoff due, active run out              | the same  | sweep               | `repeatWake`        |
 * | any                                                 | removed   | a person            | the row is deleted  |
 *
 * Three orders are load-bearing; each change of them loses a message for good (test/races.ts):
 * the wake is sent before `signal` is written; `signal` names the fence that was read; after `park` the tail is read
 * again, strongly.
 */
export interface Cursor {
  readonly feed: string;
  readonly session: string;
  /** Absent for a webhook: its rows are older than the other kinds. */
  readonly kind?: SessionKind | undefined;
  readonly state: "parked" | "signalled" | "active" | "backoff" | "paused" | "suspended";
  /** The first number that the session has not got. */
  readonly next: Sequence;
  /** Where the session's reference is counted; behind `next` while a crossing waits. */
  readonly segment: Segment;
  /** The feed's, which never changes. */
  readonly segmentSize: number;
  /** Grows whenever someone takes the row over. */
  readonly fence: number;
  readonly lane: "fast" | "slow";
  /** The event types that the session wants; absent means all. */
  readonly interest?: readonly string[] | undefined;
  /** The last number that was sent to the endpoint before `next`. */
  readonly previous: Sequence;
  /** Grows when a person changes what the batches are made of, so that old batch ids do not come back. */
  readonly generation: number;
  /** Failures in a row. */
  readonly attempts: number;
  /** The end of the batch that is being sent; kept until it is accepted, so that a retry is the same batch. */
  readonly batchLast?: Sequence | undefined;
  /** Messages that the session will never get and was not yet told of. They end before `next`. */
  readonly gap?: CursorGap | undefined;
  readonly leaseUntilEpochMillis?: number | undefined;
  readonly dueAtEpochMillis?: number | undefined;
  readonly failingSinceEpochMillis?: number | undefined;
  /** How often the sweep has sent the wake again that the row waits for. */
  readonly wakesRepeated?: number | undefined;
  readonly changedAtEpochMillis: number;
  readonly lastDeliveryEpochMillis?: number | undefined;
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

/** The attributes that a transition writes; `undefined` removes one. */
export type CursorChange = Partial<Omit<Cursor, "feed" | "session" | "kind">>;

/** A wake that arrives this much early (SQS delays count whole seconds) still counts as due. */
const DUE_TOLERANCE_MILLIS = 250;

/** Whether deliver may take the row: nobody holds it, and it is not waiting for a time or a person. */
export function isTakeable(cursor: Cursor, nowEpochMillis: number): boolean {
  switch (cursor.state) {
    case "parked":
    case "signalled":
      return true;
    case "backoff":
      return (cursor.dueAtEpochMillis ?? 0) <= nowEpochMillis + DUE_TOLERANCE_MILLIS;
    case "active":
      return (cursor.leaseUntilEpochMillis ?? 0) <= nowEpochMillis;
    case "paused":
    case "suspended":
      return false;
  }
}

/** What a row must still be like for a write to happen: the condition of every write. */
export interface RowToFind {
  readonly states: readonly Cursor["state"][];
  readonly fence: number;
  readonly segment: Segment;
  /** Absent when the write does not depend on it. */
  readonly next?: Sequence;
  /** Named by who takes over from a holder whose lease ran out. */
  readonly leaseUntilEpochMillis?: number;
}

/**
 * The row that a write of `change` must find, `read` being the row as it was read.
 *
 * States: a row that was parked may have been marked meanwhile. That changes nothing of it, and a deliver that gave up
 * on it would leave it marked with its wake used up. The mark itself wants the row parked.
 *
 * Segment: an active row advances and crosses under one fence. A person or the sweep that read it before it crossed
 * would take the reference out of a segment in which the session no longer stands.
 *
 * Next: the same for a gap, which is told from the number that was read: the row may have advanced into it.
 *
 * Lease: a holder whose lease ran out may be slow and not dead, and may have advanced since the row was read, with a new
 * lease. Who took the row over then would go on from the old number, and write the cursor back.
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

/** Only for a row that is parked; after the wake was sent. */
export function signal(nowEpochMillis: number): CursorChange {
  return { state: "signalled", wakesRepeated: undefined, changedAtEpochMillis: nowEpochMillis };
}

/** After the wake was sent again. The row itself goes on waiting. */
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

/** What an accepted (or empty) batch does to the row. `sentLast` is absent when nothing had to be sent. */
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

/** What `progress` changed, as it is written. */
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

/** Stays active: writes the progress, the end of the batch that is sent next, and a new lease. */
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

/** Goes to the slow lane in the middle of a batch: its end is kept, so that the slow lane sends the same one. */
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

/** Goes on where it stood: the batch that was refused last is sent again with its old id. */
export function resume(cursor: Cursor, nowEpochMillis: number): CursorChange {
  return {
    ...release(cursor, nowEpochMillis),
    state: "parked",
    attempts: 0,
    failingSinceEpochMillis: undefined,
  };
}

/** What the batches are made of has changed: whoever holds the row loses it, and batches are planned anew. */
export function reconfigure(
  cursor: Cursor,
  interest: readonly string[] | undefined,
  nowEpochMillis: number,
): CursorChange {
  return { ...rebatched(cursor, nowEpochMillis), interest };
}

export function seek(cursor: Cursor, next: Sequence, nowEpochMillis: number): CursorChange {
  return {
    ...rebatched(cursor, nowEpochMillis),
    next,
    previous: next - 1,
    segment: segmentOf(next, cursor.segmentSize),
    gap: undefined,
  };
}

/** Moves a session that lags beyond the retention to `floor`, and keeps what it lost until it can be told. */
export function evict(cursor: Cursor, floor: Sequence, nowEpochMillis: number): CursorChange {
  return {
    ...release(cursor, nowEpochMillis),
    next: floor,
    segment: segmentOf(floor, cursor.segmentSize),
    batchLast: undefined,
    gap: { first: cursor.gap?.first ?? cursor.next, last: floor - 1, reason: "retention" },
  };
}

/** A cursor as it is born: parked, with its reference counted where it stands. */
export function newCursor(born: {
  feed: string;
  session: string;
  next: Sequence;
  segmentSize: number;
  interest: readonly string[] | undefined;
  nowEpochMillis: number;
}): Cursor {
  const { feed, session, next, segmentSize, interest, nowEpochMillis } = born;
  return {
    feed,
    session,
    state: "parked",
    next,
    segment: segmentOf(next, segmentSize),
    segmentSize,
    fence: 1,
    lane: "fast",
    interest,
    previous: next - 1,
    generation: 1,
    attempts: 0,
    changedAtEpochMillis: nowEpochMillis,
  };
}

/** Takes the row from whoever holds it. What waits for a time or a person goes on waiting. */
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

/** Whether new pages with these event types concern the session. Gaps concern everybody. */
export function isInterested(cursor: Pick<Cursor, "interest">, names: Iterable<string>): boolean {
  if (cursor.interest === undefined) return true;
  const wanted = new Set([...cursor.interest, GAP_TYPE]);
  for (const name of names) if (wanted.has(name)) return true;
  return false;
}
