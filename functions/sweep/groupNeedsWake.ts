import { type CursorGroup, needsTurn } from "../../shared/groups/group.ts";
import { hasWork, isOut } from "../../shared/groups/groupCursor.ts";
import type { ListedGroup } from "../../shared/groups/membership.ts";
import { LONGEST_WAKE_DELAY_MILLIS } from "../../shared/queue/hints.ts";
import type { Tail } from "../../shared/queue/tail.ts";
import { isFromFuture, isLeaseExpired } from "../../shared/sessions/cursor.ts";
import { waitMillisOf } from "./needsWake.ts";

/**
 * Whether a group's hint counts as lost, as `needsWake` does for the row of a single session. A parked group has work when a
 * session is behind the tail, or a failed one is due, or a request's time is over.
 */
export function needsGroupWake(
  group: CursorGroup,
  tail: Pick<Tail, "next">,
  nowEpochMillis: number,
  hintGraceMillis: number,
): boolean {
  const { state, wakesRepeated = 0, changedAtEpochMillis } = group;
  const isOld =
    nowEpochMillis - changedAtEpochMillis >= waitMillisOf(wakesRepeated, hintGraceMillis) ||
    isFromFuture(group, nowEpochMillis);
  switch (state) {
    case "parked":
      return isOld && needsTurn(group, tail.next - 1, nowEpochMillis);
    case "signalled":
      return isOld;
    case "active":
      return isLeaseExpired(group, nowEpochMillis) && (wakesRepeated === 0 || isOld);
  }
}

/**
 * Whether a wake from the sweep replaces a lost one. As with single sessions, messages that no session wants and long
 * backoffs are ordinary work of the sweep.
 */
export function wasGroupHintLost(
  { group, interest }: ListedGroup,
  tail: Pick<Tail, "next">,
  nowEpochMillis: number,
): boolean {
  if (group.state !== "parked") return true;
  return Object.values(group.cursors)
    .filter((cursor) => hasWork(cursor, tail.next - 1, nowEpochMillis))
    .some((cursor) => {
      if (isOut(cursor) || cursor.gap !== undefined) return true;
      return cursor.dueAtEpochMillis === undefined
        ? interest === undefined
        : cursor.dueAtEpochMillis - group.changedAtEpochMillis <= LONGEST_WAKE_DELAY_MILLIS;
    });
}
