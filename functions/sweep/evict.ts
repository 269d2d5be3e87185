import { type Sequence, segmentOf } from "../../shared/queue/sequence.ts";
import { type Tail, tailSegment } from "../../shared/queue/tail.ts";
import { type Cursor, evict } from "../../shared/sessions/cursor.ts";
import { unlessChanged } from "../../shared/sessions/unlessChanged.ts";
import type { SweepParts } from "./parts.ts";

/** Evicts the sessions that lag beyond the retention, and returns their new rows. */
export async function evictLagging(
  parts: SweepParts,
  tail: Tail,
  cursors: readonly Cursor[],
): Promise<Map<string, Cursor>> {
  const evicted = new Map<string, Cursor>();
  const lowest = Math.min(...cursors.map(({ next }) => next), tail.next);
  if (lowest === tail.next) return evicted;
  const floor = await retentionFloor(parts, tail, lowest);
  for (const cursor of cursors.filter(({ next }) => next < floor)) {
    const { feed, session, next } = cursor;
    const moved = await unlessChanged(
      parts.cursors.write(cursor, evict(cursor, floor, parts.clock.nowEpochMillis())),
    );
    if (moved === undefined) continue;
    evicted.set(session, moved);
    parts.log.warn("a session lagged beyond the retention and was moved forward", {
      feed,
      session,
      from: next,
      to: floor,
    });
  }
  return evicted;
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
  for (let segment = segmentOf(lowest, tail.segmentSize); segment <= tailSegment(tail); segment += 1) {
    const last = await pages.readLastPage(tail.feed, segment);
    if (last === undefined || last.appendedAtEpochMillis < oldestEpochMillis) continue;
    const young = (await pages.listPages(tail.feed, segment)).find(
      ({ appendedAtEpochMillis }) => appendedAtEpochMillis >= oldestEpochMillis,
    );
    if (young !== undefined) return young.first;
  }
  return tail.next;
}
