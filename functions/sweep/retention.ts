import { segmentOf } from "../../shared/queue/sequence.ts";
import { type Tail, tailSegment } from "../../shared/queue/tail.ts";
import type { SweepParts } from "./parts.ts";

/**
 * The lowest number at which a session may still stand: messages below it are older than the feed's limit or more
 * than its limit behind the tail. `lowest` is where the last session stands; nothing before it is looked at.
 */
export async function retentionFloor(parts: SweepParts, tail: Tail, lowest: number): Promise<number> {
  const byCount = tail.next - parts.settings.retentionMessages;
  const byAge = await firstYoungNumber(parts, tail, lowest);
  return Math.max(byCount, byAge);
}

/** The first number from `lowest` on whose page is within the retention; the tail's next when all are older. */
async function firstYoungNumber(
  { pages, clock, settings }: SweepParts,
  tail: Tail,
  lowest: number,
): Promise<number> {
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
