import type { Sequence } from "../queue/sequence.ts";
import { type CursorGap, DUE_TOLERANCE_MILLIS, isDueAt, isLeaseExpired } from "../sessions/cursor.ts";

/** What a group's row holds of one session, and the rules for changing it. */
export interface GroupCursor {
  /** The first number that the session has not received. */
  readonly next: Sequence;
  /** The last number that was sent to the endpoint before `next`. */
  readonly previous: Sequence;
  /** The end of the batch that was in flight at the last write, or that failed. It is repeated exactly. */
  readonly batchLast?: Sequence | undefined;
  /** Replaces `planned` after a holder died: batches are cut as if the feed ended here, until `next` is beyond it. */
  readonly limit?: Sequence | undefined;
  /** Grows when anyone but the holder moves the cursor or changes how its batches are cut. Part of a batch's id. */
  readonly generation: number;
  /** Grows with each change by anyone but the holder. A configuration that was read at the same revision is the current one. */
  readonly revision: number;
  /** A gap that was not reported to the session yet. It ends before `next`. */
  readonly gap?: CursorGap | undefined;
  readonly stopped?: "paused" | "suspended" | undefined;
  /** Failures in a row. */
  readonly attempts: number;
  readonly dueAtEpochMillis?: number | undefined;
  readonly failingSinceEpochSeconds?: number | undefined;
  /** The number of requests that outlived their turn. The last one's outcome is written under this number. */
  readonly requests: number;
  /** Until when that request may be under way; absent when none is. */
  readonly requestUntilEpochMillis?: number | undefined;
  readonly lastDeliveryEpochSeconds?: number | undefined;
}

/** @param gap what the session asked for and can no longer get; it ends before `next` */
export function newGroupCursor(next: Sequence, gap?: CursorGap): GroupCursor {
  return {
    next,
    previous: previousOf(next, gap),
    generation: 1,
    revision: 1,
    attempts: 0,
    requests: 0,
    ...(gap === undefined ? {} : { gap }),
  };
}

/** Whether a request that outlived its turn is noted. */
export function isOut(cursor: GroupCursor): boolean {
  return cursor.requestUntilEpochMillis !== undefined;
}

/** Whether a cursor waits for nothing but messages. A request whose time is over needs a write before the next batch. */
export function isReady(cursor: GroupCursor, nowEpochMillis: number): boolean {
  return (
    cursor.stopped === undefined &&
    isDueAt(cursor.dueAtEpochMillis, nowEpochMillis + DUE_TOLERANCE_MILLIS) &&
    !isOut(cursor)
  );
}

/** Whether a cursor has something to send now: messages up to the tail, or a gap to report. */
export function hasWork(cursor: GroupCursor, tail: Sequence, nowEpochMillis: number): boolean {
  return (
    (cursor.next <= tail || cursor.gap !== undefined) &&
    isReady(giveUpOverdue(cursor, nowEpochMillis), nowEpochMillis)
  );
}

/** Drops the note of a request whose time is over: its process has died, and the batch is repeated. */
export function giveUpOverdue(cursor: GroupCursor, nowEpochMillis: number): GroupCursor {
  const { requestUntilEpochMillis } = cursor;
  return requestUntilEpochMillis !== undefined &&
    isLeaseExpired({ leaseUntilEpochMillis: requestUntilEpochMillis }, nowEpochMillis)
    ? { ...cursor, requestUntilEpochMillis: undefined }
    : cursor;
}

/** The batch of a request. */
export interface BegunBatch {
  readonly last: Sequence;
  /** The batch reports the cursor's gap and moves nothing. */
  readonly tellsGap?: boolean;
}

/** The batch begins. */
export function begin(cursor: GroupCursor, batch: BegunBatch): GroupCursor {
  const { last, tellsGap } = batch;
  return { ...cursor, batchLast: tellsGap ? undefined : last };
}

/**
 * The batch was accepted, or had nothing for the session. The limit stays until a write: beyond it nothing may begin under
 * the old row.
 * @param batch.sentLast the last number that was sent; absent when the batch was empty
 */
export function pass(
  cursor: GroupCursor,
  batch: BegunBatch & { readonly sentLast?: Sequence | undefined },
  nowEpochMillis: number,
): GroupCursor {
  const { last, sentLast, tellsGap = false } = batch;
  if (last + 1 < cursor.next) throw new RangeError("a cursor only moves forward");
  const passed = {
    ...cursor,
    next: last + 1,
    batchLast: undefined,
    ...(tellsGap ? { gap: undefined } : {}),
  };
  if (sentLast === undefined) return passed;
  return {
    ...passed,
    previous: sentLast,
    attempts: 0,
    dueAtEpochMillis: undefined,
    failingSinceEpochSeconds: undefined,
    lastDeliveryEpochSeconds: secondsOf(nowEpochMillis),
  };
}

/** The batch failed, or could not be made. One that was begun keeps its end. It is due later. */
export function fail(
  cursor: GroupCursor,
  { dueAtEpochMillis, nowEpochMillis }: { dueAtEpochMillis: number; nowEpochMillis: number },
): GroupCursor {
  return { ...failed(cursor, nowEpochMillis), dueAtEpochMillis };
}

/** The relay itself could not send the batch. That says nothing about the endpoint, so no failure is counted. */
export function postpone(cursor: GroupCursor, dueAtEpochMillis: number): GroupCursor {
  return { ...cursor, dueAtEpochMillis };
}

/** The session stops until a person resumes it. A batch that was begun keeps its end. */
export function suspend(cursor: GroupCursor, nowEpochMillis: number): GroupCursor {
  return { ...failed(cursor, nowEpochMillis), stopped: "suspended", dueAtEpochMillis: undefined };
}

/** The pages from `next` up to `first` have expired: the session never gets them, and is told. */
export function passExpired(cursor: GroupCursor, first: Sequence): GroupCursor {
  const gap: CursorGap = { first: cursor.gap?.first ?? cursor.next, last: first - 1, reason: "expired" };
  return { ...cursor, next: first, batchLast: undefined, gap };
}

export function pause(cursor: GroupCursor): GroupCursor {
  return { ...revise(cursor), stopped: "paused" };
}

/** Continues at the same place: the last refused batch is retried with its old id. */
export function resume(cursor: GroupCursor): GroupCursor {
  return {
    ...revise(cursor),
    stopped: undefined,
    attempts: 0,
    dueAtEpochMillis: undefined,
    failingSinceEpochSeconds: undefined,
  };
}

/** Another URL or secret: the batches stay the same, and whoever serves the session reads its configuration again. */
export function revise(cursor: GroupCursor): GroupCursor {
  return { ...cursor, revision: cursor.revision + 1 };
}

/** The batches' configuration has changed: they are cut anew, and nothing that is under way counts. */
export function reconfigure(cursor: GroupCursor): GroupCursor {
  return {
    ...revise(cursor),
    generation: cursor.generation + 1,
    batchLast: undefined,
    limit: undefined,
    requestUntilEpochMillis: undefined,
  };
}

/** @param gap what the session asked for and can no longer get; it ends before `next` */
export function seek(cursor: GroupCursor, next: Sequence, gap?: CursorGap): GroupCursor {
  return { ...reconfigure(cursor), next, previous: previousOf(next, gap), gap };
}

/** Moves a session that lags beyond the retention to `floor`. The gap stays in the row until it is reported. */
export function evict(cursor: GroupCursor, floor: Sequence): GroupCursor {
  const gap: CursorGap = { first: cursor.gap?.first ?? cursor.next, last: floor - 1, reason: "retention" };
  return { ...reconfigure(cursor), next: floor, gap };
}

function failed(cursor: GroupCursor, nowEpochMillis: number): GroupCursor {
  return {
    ...cursor,
    attempts: cursor.attempts + 1,
    failingSinceEpochSeconds: cursor.failingSinceEpochSeconds ?? secondsOf(nowEpochMillis),
  };
}

function previousOf(next: Sequence, gap: CursorGap | undefined): Sequence {
  return (gap?.first ?? next) - 1;
}

function secondsOf(epochMillis: number): number {
  return Math.floor(epochMillis / 1000);
}
