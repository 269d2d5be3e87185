import { isKeptLonger } from "../../shared/queue/pageExpiry.ts";
import type { Segment } from "../../shared/queue/sequence.ts";
import { type FeedHead, type LastPage, type Tail, tailSegment } from "../../shared/queue/tail.ts";
import type { SweepParts } from "./parts.ts";

/**
 * Frees the segments at the head in which no cursor stands, then deletes their pages or leaves them to expire. Everything
 * below the head is freed for everyone who asks, whether the pages are still in the table or not.
 *
 * A segment is freed only when it is below the tail's segment and its last page is older than the grace. The grace
 * exceeds the age of any tail that a writer may still act on: the condition of a put on a freed number would pass
 * again, once its page is gone. After a crash between moving the head and deleting the pages, `clearedSegment` tells the next sweep which
 * pages are left.
 * @param firstNeeded this segment and those after it stay, whatever their counts say
 */
export async function freeSegments(
  parts: SweepParts,
  head: FeedHead,
  tail: Tail,
  firstNeeded = Number.POSITIVE_INFINITY,
): Promise<{ freedSegments: number; deletedPages: number }> {
  let headSegment = tail.headSegment;
  const end = Math.min(tailSegment(tail), firstNeeded);
  while (headSegment < end && (await isFreeable(parts, head.feed, headSegment))) {
    if (!(await parts.heads.moveHead(head.feed, headSegment))) break;
    headSegment += 1;
  }
  let deletedPages = 0;
  for (let segment = head.clearedSegment; segment < headSegment; segment += 1) {
    if (!(await isLeftToExpire(parts, head.feed, segment)))
      deletedPages += await parts.pages.deletePages(head.feed, segment);
    await parts.references.deleteSegment(head.feed, segment);
    await parts.heads.markCleared(head.feed, segment + 1);
  }
  return { freedSegments: headSegment - tail.headSegment, deletedPages };
}

/**
 * Whether DynamoDB may delete the segment's pages in its own time. One page that would stay for longer has the whole
 * segment deleted: it was appended under another setting, or it was the last one of a feed that had gone quiet.
 */
async function isLeftToExpire(
  { pages, settings }: SweepParts,
  feed: string,
  segment: Segment,
): Promise<boolean> {
  if (settings.freeing !== "expire") return false;
  const listed = await pages.listPages(feed, segment);
  return !listed.some((page) => isKeptLonger(page, settings.pageTtlMillis));
}

/** Checks only the grace. The transaction that moves the head checks the reference counts. */
async function isFreeable(
  { pages, clock, settings }: SweepParts,
  feed: string,
  segment: Segment,
): Promise<boolean> {
  const last = await pages.readLastPage(feed, segment);
  return isGraceOver(last, clock.nowEpochMillis(), settings.freeGraceMillis);
}

/** @param last the segment's last page; undefined when none is left */
export function isGraceOver(
  last: Pick<LastPage, "appendedAtEpochMillis"> | undefined,
  nowEpochMillis: number,
  freeGraceMillis: number,
): boolean {
  return last === undefined || nowEpochMillis - last.appendedAtEpochMillis > freeGraceMillis;
}
