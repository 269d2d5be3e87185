import { segmentOf } from "../../shared/queue/sequence.ts";
import type { Cursor } from "../../shared/sessions/cursor.ts";
import { unlessChanged } from "../../shared/sessions/unlessChanged.ts";
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
    const segment = segmentOf(cursor.next, cursor.segmentSize);
    if (segment === cursor.segment || cursor.state === "active") continue;
    const moved = await unlessChanged(parts.cursors.write(cursor, { segment, fence: cursor.fence + 1 }));
    if (moved) crossed.set(cursor.session, moved);
  }
  return crossed;
}
