import type { StoredPage } from "../../shared/queue/page.ts";
import { sequenceIn } from "../../shared/queue/producers.ts";
import { type Segment, type Sequence, segmentOf } from "../../shared/queue/sequence.ts";
import { firstHeld } from "../../shared/queue/tail.ts";
import { trailOf, type WriterTail } from "./writerTail.ts";

/** The producer's last pages are walked one by one: most resends are of recent events. */
const PAGES_WALKED = 10;

export interface ResentNumberSource {
  readPageAt(feed: string, segment: Segment, first: Sequence): Promise<StoredPage | undefined>;
  readPageBefore(feed: string, segment: Segment, sequence: Sequence): Promise<StoredPage | undefined>;
}

/**
 * Finds the original sequence number of a producer's position: walks back through the producer's last pages, then
 * searches from there to the feed's head. Undefined when the page that holds the position was freed.
 */
export async function findResentNumber(
  source: ResentNumberSource,
  tail: WriterTail,
  producer: string,
  position: number,
): Promise<Sequence | undefined> {
  let pageFirst = trailOf(tail, producer)?.page ?? 0;
  // A freed page may still be in the table.
  const head = firstHeld(tail);
  for (let walked = 0; walked < PAGES_WALKED && pageFirst >= head; walked += 1) {
    const page = await source.readPageAt(tail.feed, segmentOf(pageFirst, tail.segmentSize), pageFirst);
    const sequence = page && sequenceIn(page.runs, producer, position);
    if (sequence !== undefined) return sequence;
    pageFirst = page?.runs.find((run) => run.producer === producer)?.earlierPage ?? 0;
  }
  return pageFirst >= head ? searchBelow(source, tail, producer, position, pageFirst) : undefined;
}

/** Every page stores the producer's positions up to it, so the page that holds a position is found by binary search. */
async function searchBelow(
  source: ResentNumberSource,
  tail: WriterTail,
  producer: string,
  position: number,
  lastPage: Sequence,
): Promise<Sequence | undefined> {
  let low = firstHeld(tail);
  let high = lastPage;
  let found: Sequence | undefined;
  while (low <= high && found === undefined) {
    const middle = Math.floor((low + high) / 2);
    const page = await source.readPageBefore(tail.feed, segmentOf(middle, tail.segmentSize), middle);
    found = page && sequenceIn(page.runs, producer, position);
    const trail = page?.producers.find(({ id }) => id === producer);
    if (page !== undefined && trail !== undefined && trail.next > position) high = page.first - 1;
    else low = middle + 1;
  }
  return found;
}
