import { type CursorGroup, needsTurn } from "../../shared/groups/group.ts";
import type { ListedGroup } from "../../shared/groups/membership.ts";
import { wakeGroups, wakeGroupsAgain } from "../../shared/groups/wakeGroups.ts";
import type { Tail } from "../../shared/queue/tail.ts";
import type { Cursor } from "../../shared/sessions/cursor.ts";
import { isWokenByQueue, wakeAgain, wakeParked } from "../../shared/sessions/wake.ts";
import { needsGroupWake, wasGroupHintLost } from "./groupNeedsWake.ts";
import { needsWake, wasHintLost } from "./needsWake.ts";
import type { SweepParts } from "./parts.ts";

/**
 * Re-sends the wakes that seem lost.
 * @param moved the new versions of the rows that this sweep has changed
 */
export async function repairWakes(
  parts: SweepParts,
  tail: Tail,
  cursors: readonly Cursor[],
  moved: ReadonlyMap<string, Cursor>,
): Promise<{ woken: number; repaired: number }> {
  const nowEpochMillis = parts.clock.nowEpochMillis();
  const toWake = cursors
    .map((cursor) => moved.get(cursor.session) ?? cursor)
    .filter(isWokenByQueue)
    .filter(
      (cursor) =>
        // If deliver was about to take the old row, it has failed, and its wake is used up.
        (moved.has(cursor.session) && (cursor.state === "parked" || cursor.state === "signalled")) ||
        needsWake(cursor, tail, nowEpochMillis, parts.settings.hintGraceMillis),
    );
  // Only a row with messages to read is marked: its wake cannot be used up without a change of the fence.
  const [toMark, others] = partition(
    toWake,
    ({ state, next, gap }) => state === "parked" && (next < tail.next || gap !== undefined),
  );
  await wakeParked(parts, toMark);
  const [atTail, waiting] = partition(others, ({ state }) => state === "parked");
  await parts.wakes.sendWakes(atTail);
  await wakeAgain(parts, waiting);
  const lost = toWake.filter((cursor) => !moved.has(cursor.session) && wasHintLost(cursor));
  return { woken: toWake.length, repaired: lost.length };
}

/**
 * The same for groups. A turn that finds the row changed tries again, so a group that this sweep has moved needs a wake only
 * when it has work.
 */
export async function repairGroupWakes(
  parts: SweepParts,
  tail: Tail,
  listed: readonly ListedGroup[],
  moved: ReadonlyMap<string, CursorGroup>,
): Promise<{ woken: number; repaired: number }> {
  const nowEpochMillis = parts.clock.nowEpochMillis();
  const toWake = listed
    .map(({ group, interest }) => ({ group: moved.get(group.group) ?? group, interest }))
    .filter(
      ({ group }) =>
        (moved.has(group.group) &&
          group.state === "parked" &&
          needsTurn(group, tail.next - 1, nowEpochMillis)) ||
        needsGroupWake(group, tail, nowEpochMillis, parts.settings.hintGraceMillis),
    );
  const [parked, waiting] = partition(
    toWake.map(({ group }) => group),
    ({ state }) => state === "parked",
  );
  const wakeParts = { ...parts, wakes: parts.groupWakes };
  await wakeGroups(wakeParts, parked);
  await wakeGroupsAgain(wakeParts, waiting);
  const lost = toWake.filter(
    (each) => !moved.has(each.group.group) && wasGroupHintLost(each, tail, nowEpochMillis),
  );
  return { woken: toWake.length, repaired: lost.length };
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}
