import { segmentOf } from "../queue/sequence.ts";
import { type Tail, tailSegment } from "../queue/tail.ts";
import type { Clock } from "../runtime/clock.ts";
import { isInterested } from "../sessions/cursor.ts";
import { unlessChanged } from "../sessions/unlessChanged.ts";
import { wakeAndMark } from "../sessions/wake.ts";
import { type CursorGroup, type GroupChange, repeatWake, signal } from "./group.ts";
import { hasWork } from "./groupCursor.ts";
import type { ListedGroup } from "./membership.ts";

export interface WakeGroupParts {
  readonly wakes: { sendWakes(groups: readonly CursorGroup[]): Promise<CursorGroup[]> };
  readonly groups: { write(read: CursorGroup, change: GroupChange): Promise<unknown> };
  readonly clock: Clock;
}

/**
 * Whether notify wakes a group: it is parked, and a session of it has something to send.
 * @param names what the new pages hold; undefined when they may hold anything
 */
export function isGroupToBeWoken(
  { group, interest }: ListedGroup,
  tail: Pick<Tail, "next" | "segmentSize">,
  names: ReadonlySet<string> | undefined,
  nowEpochMillis: number,
): boolean {
  if (group.state !== "parked") return false;
  const behind = Object.values(group.cursors).filter((cursor) =>
    hasWork(cursor, tail.next - 1, nowEpochMillis),
  );
  if (behind.length === 0) return false;
  // Sessions that want none of the new messages are woken once the tail leaves their segment, so that they do not pin the
  // queue.
  return (
    names === undefined ||
    isInterested({ interest }, names) ||
    behind.some(({ next }) => segmentOf(next, tail.segmentSize) < tailSegment(tail))
  );
}

/**
 * Wakes parked groups: sends the wakes, then marks the rows. In the other order, a crash between the two would leave a
 * signalled row without a wake in flight.
 * @throws RelayError (retryable) when SQS did not take all wakes; rows without a wake stay parked
 */
export function wakeGroups(parts: WakeGroupParts, parked: readonly CursorGroup[]): Promise<void> {
  return wakeAndWrite(parts, parked, (_group, nowEpochMillis) => signal(nowEpochMillis));
}

/**
 * Re-sends wakes that seem lost and counts this in the rows.
 * @throws RelayError (retryable) when SQS did not take all wakes
 */
export function wakeGroupsAgain(parts: WakeGroupParts, waiting: readonly CursorGroup[]): Promise<void> {
  return wakeAndWrite(parts, waiting, repeatWake);
}

function wakeAndWrite(
  { wakes, groups, clock }: WakeGroupParts,
  rows: readonly CursorGroup[],
  changeOf: (group: CursorGroup, nowEpochMillis: number) => GroupChange,
): Promise<void> {
  return wakeAndMark(
    rows,
    (some) => wakes.sendWakes(some),
    // A row that has changed since needs no mark.
    (group) => unlessChanged(groups.write(group, changeOf(group, clock.nowEpochMillis()))),
  );
}
