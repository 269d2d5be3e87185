import {
  type CursorGroup,
  cross as crossGroup,
  isCountedBehind as isGroupCountedBehind,
} from "../../shared/groups/group.ts";
import { segmentOf } from "../../shared/queue/sequence.ts";
import type { Cursor } from "../../shared/sessions/cursor.ts";
import { unlessChanged } from "../../shared/sessions/unlessChanged.ts";
import { changeGroup } from "./changeGroup.ts";
import type { SweepParts } from "./parts.ts";

/**
 * Crosses for sessions that are not active, when a conflict kept deliver from crossing. The fence grows, because other
 * writers may still act on an older read of the row.
 */
export async function crossResting(
  parts: Pick<SweepParts, "cursors">,
  cursors: readonly Cursor[],
): Promise<Map<string, Cursor>> {
  const crossed = new Map<string, Cursor>();
  for (const cursor of cursors) {
    if (!isCountedBehind(cursor)) continue;
    const segment = segmentOf(cursor.next, cursor.segmentSize);
    const moved = await unlessChanged(parts.cursors.write(cursor, { segment, fence: cursor.fence + 1 }));
    if (moved) crossed.set(cursor.session, moved);
  }
  return crossed;
}

/** Whether the session stands in another segment than it is counted in, and nobody is at work who could cross. */
export function isCountedBehind({ state, next, segment, segmentSize }: Cursor): boolean {
  return state !== "active" && segmentOf(next, segmentSize) !== segment;
}

/** The same for groups that nobody holds. */
export async function crossGroups(
  parts: Pick<SweepParts, "groups">,
  groups: readonly CursorGroup[],
): Promise<Map<string, CursorGroup>> {
  const crossed = new Map<string, CursorGroup>();
  for (const group of groups.filter(isGroupCountedBehind)) {
    const moved = await changeGroup(parts, group, (row) =>
      isGroupCountedBehind(row) ? crossGroup(row) : undefined,
    );
    if (moved) crossed.set(group.group, moved);
  }
  return crossed;
}
