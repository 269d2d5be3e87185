import { lastOf, type StoredPage } from "./page.ts";
import type { Expiring } from "./pageExpiry.ts";
import { firstOfSegment, lastOfSegment, type Segment, type Sequence, segmentOf } from "./sequence.ts";

/** A feed's head item: everything below `headSegment` is freed. */
export interface FeedHead {
  readonly feed: string;
  /** Fixed when the feed begins. */
  readonly segmentSize: number;
  readonly headSegment: Segment;
  /** A recent tail, written by the sweep. Searches for the tail begin there. */
  readonly tailHint: Sequence;
  /** The pages of all segments below this one are deleted, or left to expire. */
  readonly clearedSegment: Segment;
  /** Whether events that Manager does not know get the AMI form of a user event. */
  readonly wrapUnmapped?: boolean | undefined;
  /** No webhook session has a row of its own: the sweep has seen none, and none was created since. */
  readonly isAllGrouped?: boolean | undefined;
  /** Rows of single webhook sessions that were created, since they are counted. */
  readonly singlesCreated?: number | undefined;
}

export type LastPage = Pick<
  StoredPage,
  "first" | "count" | "appendedAtEpochMillis" | "producers" | "callMemory"
> &
  Expiring;

/** The end of a feed as it was at `readAtEpochMillis`. */
export interface Tail {
  readonly feed: string;
  readonly segmentSize: number;
  readonly headSegment: Segment;
  /** The number of the next message. */
  readonly next: Sequence;
  readonly wrapUnmapped: boolean;
  /** As in the head. */
  readonly isAllGrouped?: boolean | undefined;
  /** When the head item, and with it the feed's options, was read. */
  readonly headReadAtEpochMillis: number;
  /** When the last page was appended; 0 for a feed that never had one. */
  readonly lastAppendedAtEpochMillis: number;
  readonly readAtEpochMillis: number;
}

/** A tail together with the last page. */
export interface FoundTail extends Tail {
  /** Undefined for a feed without pages. */
  readonly lastPage: LastPage | undefined;
}

export interface TailSource {
  /** Strongly consistent; undefined for a feed that does not exist. */
  readHead(feed: string): Promise<FeedHead | undefined>;
  /** Strongly consistent; the page with the highest number of a segment. */
  readLastPage(feed: string, segment: Segment): Promise<LastPage | undefined>;
}

/**
 * Finds a feed's tail with strongly consistent reads. The search starts at the hint and goes forward while segments
 * are full.
 *
 * The segment of the last message is never freed, so the search starts on pages that exist. The exception is a segment
 * freed between two of the reads. So where pages are missing, the head is read again, and if it has moved, the search
 * starts over. Otherwise a full segment whose successor was freed in between would be taken for the tail, and a writer
 * would assign a freed number again. If the head has not moved, the pages have expired, and the hint is the tail: it is
 * exact on an idle feed.
 */
export async function readTail(
  source: TailSource,
  feed: string,
  nowEpochMillis: () => number,
): Promise<FoundTail | undefined> {
  const readAtEpochMillis = nowEpochMillis();
  const head = await source.readHead(feed);
  return head && readTailFrom(source, head, readAtEpochMillis);
}

/**
 * As `readTail`, for a head item at hand.
 * @param readAtEpochMillis when the head was read
 */
export async function readTailFrom(
  source: TailSource,
  headAsRead: FeedHead,
  readAtEpochMillis: number,
): Promise<FoundTail | undefined> {
  const { feed } = headAsRead;
  let head: FeedHead | undefined = headAsRead;
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
    const { segmentSize, headSegment, tailHint, wrapUnmapped = false, isAllGrouped } = head;
    return {
      feed,
      segmentSize,
      headSegment,
      wrapUnmapped,
      ...(isAllGrouped ? { isAllGrouped } : {}),
      // The last pages of an idle feed may have expired before earlier ones. Then the hint is the tail.
      next: Math.max(tailHint + 1, last ? lastOf(last) + 1 : firstOfSegment(headSegment, segmentSize)),
      lastAppendedAtEpochMillis: last?.appendedAtEpochMillis ?? 0,
      readAtEpochMillis,
      headReadAtEpochMillis: readAtEpochMillis,
      lastPage: last,
    };
  }
  return undefined;
}

/** The lowest sequence number that the feed still holds, or will hold when it is empty. */
export function firstHeld(feed: Pick<FeedHead, "headSegment" | "segmentSize">): Sequence {
  return firstOfSegment(feed.headSegment, feed.segmentSize);
}

/** The segment of the last message; 0 while the feed is empty. It is never freed. */
export function tailSegment(tail: Pick<Tail, "next" | "segmentSize">): Segment {
  return segmentOf(Math.max(1, tail.next - 1), tail.segmentSize);
}
