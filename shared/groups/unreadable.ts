import type { Segment } from "../queue/sequence.ts";
import type { ListedGroup } from "./membership.ts";

/** Where a group is counted. Its sessions have received everything before this segment. */
export interface GroupReference {
  readonly segment: Segment;
  readonly segmentSize: number;
}

/**
 * A group's row whose packed cursors are damaged, or of a version that this release does not know. Nobody knows its sessions,
 * so they get nothing until the row is repaired (docs/runbook.md) or a release reads it that knows the version. The other
 * groups of its feed go on, no session joins it, and nothing that it may need is freed.
 */
export interface UnreadableGroup {
  readonly feed: string;
  readonly group: string;
  /** For people. */
  readonly reason: string;
  /** What the row says beside the packed cursors; undefined when that is damaged, too. */
  readonly reference: GroupReference | undefined;
}

/** Groups of a feed, and apart from them those that cannot be read. */
export interface GroupListing {
  readonly groups: ListedGroup[];
  readonly unreadable: UnreadableGroup[];
}

/** The first segment that an unreadable group may need; undefined when there is none. Without a reference it may need any. */
export function firstNeededBy(unreadable: readonly UnreadableGroup[]): Segment | undefined {
  if (unreadable.length === 0) return undefined;
  return Math.min(...unreadable.map(({ reference }) => reference?.segment ?? 0));
}
