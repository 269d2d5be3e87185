import { LONGEST_WAKE_DELAY_MILLIS } from "../../shared/queue/hints.ts";
import type { Tail } from "../../shared/queue/tail.ts";
import { type Cursor, isDue, isFromFuture, isLeaseExpired } from "../../shared/sessions/cursor.ts";

/** The longest wait for a wake is 2^this times the grace: under three minutes with a grace of 5 s. */
const MOST_DOUBLINGS = 5;

/**
 * Whether a wake from the sweep replaces a lost one. Two cases are ordinary work of the sweep: a session with a filter
 * gets no wake for messages that it does not want, and a long backoff has no wake.
 */
export function wasHintLost(cursor: Cursor): boolean {
  if (cursor.state === "parked") return cursor.interest === undefined || cursor.gap !== undefined;
  if (cursor.state === "backoff")
    return (cursor.dueAtEpochMillis ?? 0) - cursor.changedAtEpochMillis <= LONGEST_WAKE_DELAY_MILLIS;
  return true;
}

/**
 * Whether a session's hint counts as lost. Each case waits `hintGraceMillis`, so that hints in flight are not doubled.
 * A surplus wake does no harm. The wait doubles after each re-send: if more wakes are in flight than deliver can
 * process, they are not lost, and re-sending all of them in each sweep would fill the queue faster than it empties.
 */
export function needsWake(
  cursor: Cursor,
  tail: Pick<Tail, "next" | "lastAppendedAtEpochMillis">,
  nowEpochMillis: number,
  hintGraceMillis: number,
): boolean {
  const { wakesRepeated = 0 } = cursor;
  const isOld =
    nowEpochMillis - cursor.changedAtEpochMillis >= waitMillisOf(wakesRepeated, hintGraceMillis) ||
    isFromFuture(cursor, nowEpochMillis);
  switch (cursor.state) {
    case "parked":
      // Uses the row's age, not the tail's: on a busy feed the tail is always young.
      return (cursor.next < tail.next || cursor.gap !== undefined) && isOld;
    case "signalled":
      return isOld;
    case "backoff":
      return isDue(cursor, nowEpochMillis) && (wakesRepeated === 0 || isOld);
    case "active":
      return isLeaseExpired(cursor, nowEpochMillis) && (wakesRepeated === 0 || isOld);
    case "paused":
    case "suspended":
      return false;
  }
}

/** How long a wake is waited for that was re-sent so many times. */
export function waitMillisOf(wakesRepeated: number, hintGraceMillis: number): number {
  return hintGraceMillis * 2 ** Math.min(wakesRepeated, MOST_DOUBLINGS);
}
