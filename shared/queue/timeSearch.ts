import { lastOf, type PageFacts } from "./page.ts";
import { type Segment, type Sequence, segmentOf } from "./sequence.ts";
import { firstHeld, type Tail } from "./tail.ts";

export interface PageFactsSource {
  /** The last page of a segment that begins at or before `sequence`. */
  readFactsBefore(
    feed: string,
    segment: Segment,
    sequence: Sequence,
  ): Promise<Pick<PageFacts, "first" | "count" | "appendedAtEpochMillis"> | undefined>;
}

/** A place in a feed that was named by a time. */
export interface FoundTime {
  /** The first message that was appended at the time or later; the next one to be appended if there is none. */
  readonly next: Sequence;
  /** Whether the feed may have freed messages that were appended at the time or later. */
  readonly mayBeFreed: boolean;
}

/**
 * Finds the first message that was appended at a time or later. The messages of one append have the same time.
 *
 * A binary search over sequence numbers. Each step reads one page and leaves out the whole page and everything on one side
 * of it, so a feed of a million messages takes 20 reads at most, and fewer with larger pages. Append times grow along the
 * feed, except that the clocks of two writers may differ by some milliseconds. Then the result may differ by as much.
 */
export async function findByTime(
  source: PageFactsSource,
  tail: Tail,
  timeEpochMillis: number,
): Promise<FoundTime> {
  const { feed, segmentSize, next } = tail;
  const head = firstHeld(tail);
  if (tail.lastAppendedAtEpochMillis < timeEpochMillis) return { next, mayBeFreed: false };
  // Everything below `low` was appended before the time. Everything from `high` on was not.
  let low = head;
  let high = next;
  let isEarlierHeld = false;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const page = await source.readFactsBefore(feed, segmentOf(middle, segmentSize), middle);
    if (page !== undefined && page.appendedAtEpochMillis >= timeEpochMillis) {
      high = Math.max(low, page.first);
      continue;
    }
    // Expired pages are older than all that are left.
    low = Math.max(middle, page === undefined ? 0 : lastOf(page)) + 1;
    isEarlierHeld ||= page !== undefined;
  }
  const found = Math.min(low, next);
  return { next: found, mayBeFreed: !isEarlierHeld && found > 1 };
}
