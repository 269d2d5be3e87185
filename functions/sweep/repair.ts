import { LONGEST_WAKE_DELAY_MILLIS } from "../../shared/queue/hints.ts";
import type { Tail } from "../../shared/queue/tail.ts";
import type { Cursor } from "../../shared/sessions/cursor.ts";

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
 * under way are not doubled; a wake too many does no harm.
 */
export function needsWake(
  cursor: Cursor,
  tail: Pick<Tail, "next" | "lastAppendedAtEpochMillis">,
  nowEpochMillis: number,
  hintGraceMillis: number,
): boolean {
  const isOld = (epochMillis: number) => nowEpochMillis - epochMillis >= hintGraceMillis;
  switch (cursor.state) {
    case "parked":
      // Judged by the row's age, not the tail's: on a busy feed the tail is always young.
      return (cursor.next < tail.next || cursor.gap !== undefined) && isOld(cursor.changedAtEpochMillis);
    case "signalled":
      return isOld(cursor.changedAtEpochMillis);
    case "backoff":
      return (cursor.dueAtEpochMillis ?? 0) <= nowEpochMillis;
    case "active":
      return (cursor.leaseUntilEpochMillis ?? 0) <= nowEpochMillis;
    case "paused":
    case "suspended":
      return false;
  }
}
