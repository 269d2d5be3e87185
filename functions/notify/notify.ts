import type { GroupListing } from "../../shared/groups/unreadable.ts";
import { isGroupToBeWoken, type WakeGroupParts, wakeGroups } from "../../shared/groups/wakeGroups.ts";
import { type NotifyHint, namesOfHints } from "../../shared/queue/hints.ts";
import { segmentOf } from "../../shared/queue/sequence.ts";
import { readTailFrom, type Tail, type TailSource, tailSegment } from "../../shared/queue/tail.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Settings } from "../../shared/runtime/settings.ts";
import { type Cursor, isInterested } from "../../shared/sessions/cursor.ts";
import { isWokenByQueue, type WakeParts, wakeParked } from "../../shared/sessions/wake.ts";

export interface NotifyParts extends WakeParts {
  readonly tails: TailSource;
  readonly cursors: WakeParts["cursors"] & { listCursors(feed: string): Promise<Cursor[]> };
  readonly groupWakes: WakeGroupParts["wakes"];
  readonly groups: WakeGroupParts["groups"] & { listGroups(feed: string): Promise<GroupListing> };
  readonly clock: Clock;
  readonly settings: Pick<Settings, "cursorGroups">;
}

/**
 * Wakes the sessions and groups of one feed that are parked behind its tail. The hints say only where to look and which names are
 * new. The positions of the feed and its sessions come from strongly consistent reads of the rows. A group that cannot be
 * read is left out: the sweep reports it, once a minute and not with each page.
 */
export async function notify(parts: NotifyParts, feed: string, hints: readonly NotifyHint[]): Promise<void> {
  const { cursorGroups } = parts.settings;
  const nowEpochMillis = parts.clock.nowEpochMillis();
  const [head, { groups }, early] = await Promise.all([
    parts.tails.readHead(feed),
    parts.groups.listGroups(feed),
    cursorGroups ? undefined : parts.cursors.listCursors(feed),
  ]);
  if (head === undefined) return;
  // A row that was created since the head was read is woken by whoever created it.
  const cursors = early ?? (head.isAllGrouped ? [] : await parts.cursors.listCursors(feed));
  // On a busy feed, turns are at work on all rows. Whoever parks reads the tail once more.
  if (![...groups.map(({ group }) => group), ...cursors].some(({ state }) => state === "parked")) return;
  const tail = await readTailFrom(parts.tails, head, nowEpochMillis);
  if (tail === undefined) return;
  const names = namesOfHints(hints);
  await Promise.all([
    wakeGroups(
      { ...parts, wakes: parts.groupWakes },
      groups.filter((each) => isGroupToBeWoken(each, tail, names, nowEpochMillis)).map(({ group }) => group),
    ),
    wakeParked(
      parts,
      cursors.filter((cursor) => isToBeWoken(cursor, tail, names)),
    ),
  ]);
}

/** @param names what the new pages hold; undefined when they may hold anything */
export function isToBeWoken(
  cursor: Cursor,
  tail: Pick<Tail, "next" | "segmentSize">,
  names: ReadonlySet<string> | undefined,
): boolean {
  return (
    isWokenByQueue(cursor) &&
    cursor.state === "parked" &&
    cursor.next < tail.next &&
    // A session that wants none of the new messages is woken once the tail leaves its segment, so that it does not
    // pin the queue.
    (names === undefined ||
      isInterested(cursor, names) ||
      segmentOf(cursor.next, tail.segmentSize) < tailSegment(tail))
  );
}
