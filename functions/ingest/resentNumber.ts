import type { StoredPage } from "../../shared/queue/page.ts";
import { sequenceIn } from "../../shared/queue/producers.ts";
import { type Segment, type Sequence, segmentOf } from "../../shared/queue/sequence.ts";
import type { WriterTail } from "./writerTail.ts";

/** Pages that are walked back. Older events are reported as duplicates without a number. */
const MAX_PAGES = 200;

export interface ResentNumberSource {
  readPageAt(feed: string, segment: Segment, first: Sequence): Promise<StoredPage | undefined>;
}

/**
 * The sequence number that a producer's position got when it was first appended: walks the producer's pages back to
 * the one that holds it. Undefined when that page was freed or lies too far back.
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
