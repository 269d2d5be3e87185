import type { CursorGroup } from "../../../shared/groups/group.ts";
import { type GroupCursor, newGroupCursor } from "../../../shared/groups/groupCursor.ts";

export const NOW = 1_800_000_000_000;

export function groupCursor(facts: Partial<GroupCursor> = {}): GroupCursor {
  return { ...newGroupCursor(25), ...facts };
}

/** A parked group on segments of ten, with the given cursors. */
export function groupOf(
  cursors: Readonly<Record<string, Partial<GroupCursor>>> = { a: {}, b: {} },
  facts: Partial<CursorGroup> = {},
): CursorGroup {
  return {
    feed: "pbx",
    group: "group-1",
    state: "parked",
    version: 40,
    fence: 7,
    segment: 2,
    segmentSize: 10,
    changedAtEpochMillis: NOW - 60_000,
    cursors: Object.fromEntries(
      Object.entries(cursors).map(([session, cursor]) => [session, groupCursor(cursor)]),
    ),
    ...facts,
  };
}
