import type { Sequence } from "../queue/sequence.ts";
import { type GroupCursor, hasWork, isReady } from "./groupCursor.ts";

/*
 * What a holder may send. It begins a batch only if the row, as written, says where the batch ends: by `batchLast`, or by
 * the end up to which batches are cut. A batch is a pure function of the log, of that end and of the session's
 * configuration, so whoever goes on after a crash repeats it exactly.
 */

/**
 * Up to where a session's next batch is cut, as if the feed ended there. Undefined when the batch needs a write first: the
 * cursor has passed its limit or `planned`.
 */
export function permittedEnd(cursor: GroupCursor, planned: Sequence | undefined): Sequence | undefined {
  const end = cursor.limit ?? planned;
  return end === undefined || cursor.next > end ? undefined : end;
}

/** Whether a session may begin now. A gap is reported as the row has it, and needs no end. */
export function mayBegin(
  cursor: GroupCursor,
  planned: Sequence | undefined,
  nowEpochMillis: number,
): boolean {
  return (
    isReady(cursor, nowEpochMillis) &&
    (cursor.gap !== undefined || permittedEnd(cursor, planned) !== undefined)
  );
}

/** Whether a session has something to send, and may not begin before a write. */
export function waitsForWrite(
  cursor: GroupCursor,
  planned: Sequence | undefined,
  tail: Sequence,
  nowEpochMillis: number,
): boolean {
  return hasWork(cursor, tail, nowEpochMillis) && !mayBegin(cursor, planned, nowEpochMillis);
}

/** With each look fewer of the sent batches are written, so after some batches a look becomes a write. */
const MOST_BATCHES_UNWRITTEN = 8;
const LONGEST_UNWRITTEN_MILLIS = 1_000;

/**
 * Whether a look at the row is enough before the next batches, which no write precedes. Otherwise the look becomes a write:
 * a crash repeats what was sent since the last one.
 * @param since the last write: the time, and the most batches that a session has sent
 */
export function isLookEnough(since: { readonly millis: number; readonly batches: number }): boolean {
  return since.millis < LONGEST_UNWRITTEN_MILLIS && since.batches < MOST_BATCHES_UNWRITTEN;
}
