import { type CursorGroup, changeCursors } from "../../shared/groups/group.ts";
import { evict as evictInGroup, type GroupCursor } from "../../shared/groups/groupCursor.ts";
import { type Sequence, segmentOf } from "../../shared/queue/sequence.ts";
import { type Tail, tailSegment } from "../../shared/queue/tail.ts";
import { type Cursor, evict } from "../../shared/sessions/cursor.ts";
import { unlessChanged } from "../../shared/sessions/unlessChanged.ts";
import { changeGroup } from "./changeGroup.ts";
import type { SweepParts } from "./parts.ts";

/** Evicts the sessions that lag beyond the retention, and returns their new rows, single ones and groups. */
export async function evictLagging(
  parts: SweepParts,
  tail: Tail,
  cursors: readonly Cursor[],
  groups: readonly CursorGroup[],
): Promise<Evicted> {
  const evicted: Evicted = { rows: new Map(), groups: new Map(), sessions: 0 };
  const positions = [...cursors, ...groups.flatMap((group) => Object.values(group.cursors))];
  const lowest = Math.min(...positions.map(({ next }) => next), tail.next);
  if (lowest === tail.next) return evicted;
  const floor = await retentionFloor(parts, tail, lowest);
  for (const cursor of cursors.filter(({ next }) => next < floor)) {
    const { session, next } = cursor;
    const moved = await unlessChanged(
      parts.cursors.write(cursor, evict(cursor, floor, parts.clock.nowEpochMillis())),
    );
    if (moved === undefined) continue;
    evicted.rows.set(session, moved);
    noteEvicted(session, next);
  }
  for (const group of groups) {
    let lagging: [session: string, cursor: GroupCursor][] = [];
    const moved = await changeGroup(parts, group, (row) => {
      lagging = Object.entries(row.cursors).filter(([, { next }]) => next < floor);
      if (lagging.length === 0) return undefined;
      return changeCursors(
        row,
        Object.fromEntries(lagging.map(([session, cursor]) => [session, evictInGroup(cursor, floor)])),
      );
    });
    if (moved === undefined) continue;
    evicted.groups.set(group.group, moved);
    for (const [session, { next }] of lagging) noteEvicted(session, next);
  }
  return evicted;

  function noteEvicted(session: string, from: Sequence): void {
    evicted.sessions += 1;
    parts.log.warn("a session lagged beyond the retention and was moved forward", {
      feed: tail.feed,
      session,
      from,
      to: floor,
    });
  }
}

/** What was evicted: the new rows of single sessions by session, and of groups by group. */
export interface Evicted {
  readonly rows: Map<string, Cursor>;
  readonly groups: Map<string, CursorGroup>;
  sessions: number;
}

/**
 * The lowest number at which a session may stand. Messages below it are beyond the retention, by age or by count.
 * `lowest` is the position of the slowest session. Pages before it are not read.
 */
export async function retentionFloor(parts: SweepParts, tail: Tail, lowest: Sequence): Promise<Sequence> {
  const byCount = tail.next - parts.settings.retentionMessages;
  const byAge = await firstYoungNumber(parts, tail, lowest);
  return Math.max(byCount, byAge);
}

/** The first number, from `lowest` on, whose page is within the retention; the tail's next when all pages are older. */
async function firstYoungNumber(
  { pages, clock, settings }: SweepParts,
  tail: Tail,
  lowest: Sequence,
): Promise<Sequence> {
  const oldestEpochMillis = clock.nowEpochMillis() - settings.retentionMillis;
  // On nearly every sweep the slowest session's own page is young, and then no segment needs to be listed.
  const lowestSegment = segmentOf(lowest, tail.segmentSize);
  const lowestAppendedAtEpochMillis = await pages.readAppendTime(tail.feed, lowestSegment, lowest);
  if (lowestAppendedAtEpochMillis !== undefined && lowestAppendedAtEpochMillis >= oldestEpochMillis)
    return lowest;
  for (let segment = lowestSegment; segment <= tailSegment(tail); segment += 1) {
    const last = await pages.readLastPage(tail.feed, segment);
    if (last === undefined || last.appendedAtEpochMillis < oldestEpochMillis) continue;
    const young = (await pages.listPages(tail.feed, segment)).find(
      ({ appendedAtEpochMillis }) => appendedAtEpochMillis >= oldestEpochMillis,
    );
    if (young !== undefined) return young.first;
  }
  return tail.next;
}
