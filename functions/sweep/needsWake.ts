import { LONGEST_WAKE_DELAY_MILLIS } from "../../shared/queue/hints.ts";
import type { Tail } from "../../shared/queue/tail.ts";
import type { Cursor } from "../../shared/sessions/cursor.ts";

/** A wake is waited for no longer than 2^this times the grace: with 5 s of grace, not three minutes. */
const MOST_DOUBLINGS = 5;

/**
 * Whether a wake that the sweep sends stands for one that was lost. A session with a filter is not woken for what it
 * does not want, and a long backoff has no wake of its own: both are the sweep's ordinary work.
 */
export function wasHintLost(cursor: Cursor): boolean {
  if (cursor.state === "parked") return cursor.interest === undefined || cursor.gap !== undefined;
  if (cursor.state === "backoff")
    return (cursor.dueAtEpochMillis ?? 0) - cursor.changedAtEpochMillis <= LONGEST_WAKE_DELAY_MILLIS;
  return true;
}

/**
 * Whether a session's hint must be taken for lost. Each case waits `hintGraceMillis`, so that hints that are merely
 * under way are not doubled; a wake too many does no harm. After each repetition the wait is twice as long: when more
 * wakes are under way than deliver gets through, they are not lost, and sending them all again with each sweep would
 * make the queue grow faster than it empties.
 */
export function needsWake(
  cursor: Cursor,
  tail: Pick<Tail, "next" | "lastAppendedAtEpochMillis">,
  nowEpochMillis: number,
  hintGraceMillis: number,
): boolean {
  const { wakesRepeated = 0 } = cursor;
  const waitMillis = hintGraceMillis * 2 ** Math.min(wakesRepeated, MOST_DOUBLINGS);
  const isOld = nowEpochMillis - cursor.changedAtEpochMillis >= waitMillis;
  const isPast = (epochMillis = 0) => epochMillis <= nowEpochMillis;
  switch (cursor.state) {
    case "parked":
      // Judged by the row's age, not the tail's: on a busy feed the tail is always young.
      return (cursor.next < tail.next || cursor.gap !== undefined) && isOld;
    case "signalled":
      return isOld;
    case "backoff":
      return isPast(cursor.dueAtEpochMillis) && (wakesRepeated === 0 || isOld);
    case "active":
      return isPast(cursor.leaseUntilEpochMillis) && (wakesRepeated === 0 || isOld);
    case "paused":
    case "suspended":
      return false;
  }
}
