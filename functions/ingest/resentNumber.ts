import type { StoredPage } from "../../shared/queue/page.ts";
import { sequenceIn } from "../../shared/queue/producers.ts";
import { type Segment, type Sequence, segmentOf } from "../../shared/queue/sequence.ts";
import type { WriterTail } from "./writerTail.ts";

/** The most pages to walk back. Older events are reported as duplicates without a number. */
const MAX_PAGES = 200;

export interface ResentNumberSource {
  readPageAt(feed: string, segment: Segment, first: Sequence): Promise<StoredPage | undefined>;
}

/**
 * Finds the original sequence number of a producer's position: walks back through the producer's pages to the one that
 * holds it. Undefined when that page was freed or is too far back.
 */
export async function findResentNumber(
  source: ResentNumberSource,
  tail: WriterTail,
  producer: string,
  position: number,
): Promise<Sequence | undefined> {
  let pageFirst = tail.producers.find(({ id }) => id === producer)?.page ?? 0;
  for (let walked = 0; walked < MAX_PAGES && pageFirst > 0; walked += 1) {
    const page = await source.readPageAt(tail.feed, segmentOf(pageFirst, tail.segmentSize), pageFirst);
    const sequence = page && sequenceIn(page.runs, producer, position);
    if (sequence !== undefined) return sequence;
    pageFirst = page?.runs.find((run) => run.producer === producer)?.earlierPage ?? 0;
  }
  return undefined;
}
