import type { CursorGroup } from "../../shared/groups/group.ts";
import type { ListedGroup } from "../../shared/groups/membership.ts";
import { type Segment, segmentOf } from "../../shared/queue/sequence.ts";
import type { ApiParts } from "./parts.ts";

/** Groups and counts are not read at the same moment. On a busy feed a group may cross between two reads. */
const MOST_READS = 3;

/**
 * The sessions that stand in each segment that has any. The reference counts have a group once, in the segment of its slowest session, so
 * each group is replaced by its sessions. A group that cannot be read stays counted once.
 */
export async function countSessions(
  { groups, references }: Pick<ApiParts, "groups" | "references">,
  feed: string,
): Promise<ReadonlyMap<Segment, number>> {
  let before = (await groups.listGroups(feed)).groups;
  for (let read = 1; ; read += 1) {
    const counts = await references.counts(feed);
    if (before.length === 0) return counts;
    const after = (await groups.listGroups(feed)).groups;
    const isSame = segmentsOf(before) === segmentsOf(after);
    if (isSame || read === MOST_READS)
      return withSessions(
        counts,
        after.map(({ group }) => group),
      );
    before = after;
  }
}

function withSessions(
  counts: ReadonlyMap<Segment, number>,
  groups: readonly CursorGroup[],
): ReadonlyMap<Segment, number> {
  const sessions = new Map(counts);
  const count = (segment: Segment, by: number) =>
    sessions.set(segment, Math.max(0, (sessions.get(segment) ?? 0) + by));
  for (const { segment } of groups) count(segment, -1);
  for (const { cursors, segmentSize } of groups)
    for (const { next } of Object.values(cursors)) count(segmentOf(next, segmentSize), 1);
  return new Map([...sessions].filter(([, count]) => count > 0));
}

function segmentsOf(groups: readonly ListedGroup[]): string {
  return groups.map(({ group }) => `${group.group} ${group.segment}`).join();
}
