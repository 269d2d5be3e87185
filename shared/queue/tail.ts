import { lastOf, type StoredPage } from "./page.ts";
import { firstOfSegment, lastOfSegment, type Segment, type Sequence, segmentOf } from "./sequence.ts";

/** A feed's head item: everything below `headSegment` is freed. */
export interface FeedHead {
  readonly feed: string;
  /** Fixed when the feed begins. */
  readonly segmentSize: number;
  readonly headSegment: Segment;
  /** A number that was the tail some time ago (the sweep writes it); readers begin to search there. */
  readonly tailHint: Sequence;
  /** Below this segment the freed pages are deleted too. */
  readonly clearedSegment: Segment;
  /** Whether events that Manager does not know get the AMI form of a user's event. */
  readonly wrapUnmapped?: boolean | undefined;
}

export type LastPage = Pick<
  StoredPage,
  "first" | "count" | "appendedAtEpochMillis" | "producers" | "callMemory"
>;

/** The end of a feed as it was at `readAtEpochMillis`. */
export interface Tail {
  readonly feed: string;
  readonly segmentSize: number;
  readonly headSegment: Segment;
  /** The number that the next message gets. */
  readonly next: Sequence;
  readonly wrapUnmapped: boolean;
  /** When the head item was read: how old what is known of the feed's options is. */
  readonly headReadAtEpochMillis: number;
  /** When the last page was appended; 0 for a feed that never had one. */
  readonly lastAppendedAtEpochMillis: number;
  readonly readAtEpochMillis: number;
}

/** A tail as it was read, with the page that it was found by; undefined for a feed without pages. */
export interface FoundTail extends Tail {
  readonly lastPage: LastPage | undefined;
}

export interface TailSource {
  /** Strongly consistent; undefined for a feed that does not exist. */
  readHead(feed: string): Promise<FeedHead | undefined>;
  /** Strongly consistent; the page with the highest number of a segment. */
  readLastPage(feed: string, segment: Segment): Promise<LastPage | undefined>;
}

/**
 * Finds a feed's tail with strongly consistent reads: from the hint forward while segments are full.
 *
 * The segment that holds the last message is never freed, so the search begins on pages that exist. The exception is
 * a free between two of the reads: where pages are missing, the head is read again, and when it has moved, the search
 * begins again. A full segment whose successor was freed meanwhile would else be taken for the tail, and a writer would
 * give a freed number again. When the head has not moved, the pages ran out of their time to live, and the hint (exact
 * on an idle feed) holds.
 */
export async function readTail(
  source: TailSource,
  feed: string,
  nowEpochMillis: () => number,
): Promise<FoundTail | undefined> {
  const readAtEpochMillis = nowEpochMillis();
  let head = await source.readHead(feed);
  while (head !== undefined) {
    let segment = Math.max(head.headSegment, segmentOf(Math.max(1, head.tailHint), head.segmentSize));
    let last = await source.readLastPage(feed, segment);
    let isMissing = last === undefined;
    while (last !== undefined && lastOf(last) === lastOfSegment(segment, head.segmentSize)) {
      const following = await source.readLastPage(feed, segment + 1);
      isMissing = following === undefined;
      if (following === undefined) break;
      segment += 1;
      last = following;
    }
    if (isMissing) {
      const again = await source.readHead(feed);
      if (
        again !== undefined &&
        (again.headSegment !== head.headSegment || again.tailHint !== head.tailHint)
      ) {
        head = again;
        continue;
      }
    }
    const { segmentSize, headSegment, tailHint, wrapUnmapped = false } = head;
    return {
      feed,
      segmentSize,
      headSegment,
      wrapUnmapped,
      // The last pages of an idle feed may have expired while earlier ones are still there: then the hint holds.
      next: Math.max(tailHint + 1, last ? lastOf(last) + 1 : firstOfSegment(headSegment, segmentSize)),
      lastAppendedAtEpochMillis: last?.appendedAtEpochMillis ?? 0,
      readAtEpochMillis,
      headReadAtEpochMillis: readAtEpochMillis,
      lastPage: last,
    };
  }
  return undefined;
}

/** The lowest sequence number that the feed still holds (or will hold, when it is empty). */
export function firstHeld(feed: Pick<FeedHead, "headSegment" | "segmentSize">): Sequence {
  return firstOfSegment(feed.headSegment, feed.segmentSize);
}

/** The segment of the last message, never freed; 0 while the feed is empty. */
export function tailSegment(tail: Pick<Tail, "next" | "segmentSize">): Segment {
  return segmentOf(Math.max(1, tail.next - 1), tail.segmentSize);
}
