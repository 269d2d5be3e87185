import fc from "fast-check";
import { expect, it } from "vitest";
import { segmentOf } from "../../shared/queue/sequence.ts";
import { findByTime } from "../../shared/queue/timeSearch.ts";

interface Page {
  readonly first: number;
  readonly count: number;
  readonly appendedAtEpochMillis: number;
}

const SEGMENT = 8;

/** A feed of pages that do not cross segments, whose times never go back; the first ones are freed or expired. */
const feeds = fc
  .record({
    pages: fc.array(fc.record({ count: fc.integer({ min: 1, max: 5 }), after: fc.nat(3) }), {
      maxLength: 60,
    }),
    headSegment: fc.nat(6),
    expired: fc.nat(4),
  })
  .map(({ pages, headSegment, expired }) => {
    const all: Page[] = [];
    let [next, time] = [1, 100];
    for (const { count, after } of pages) {
      time += after;
      const fits = Math.min(count, SEGMENT - ((next - 1) % SEGMENT));
      all.push({ first: next, count: fits, appendedAtEpochMillis: time });
      next += fits;
    }
    const head = Math.min(headSegment, segmentOf(Math.max(1, next - 1), SEGMENT));
    const held = all.filter(({ first }) => segmentOf(first, SEGMENT) >= head);
    // The last page never expires before its successors.
    return {
      next,
      head,
      held: held.slice(Math.min(expired, Math.max(0, held.length - 1))),
      freed: held.length < all.length,
    };
  });

const tailOf = (feed: { next: number; head: number; held: readonly Page[] }) => ({
  feed: "pbx",
  segmentSize: SEGMENT,
  headSegment: feed.head,
  next: feed.next,
  wrapUnmapped: false,
  headReadAtEpochMillis: 0,
  readAtEpochMillis: 0,
  lastAppendedAtEpochMillis: feed.held.at(-1)?.appendedAtEpochMillis ?? 0,
});

it("a time leads to the first held page that was appended then or later, with few reads", async () => {
  await fc.assert(
    fc.asyncProperty(feeds, fc.integer({ min: 95, max: 290 }), async (feed, time) => {
      let reads = 0;
      const source = {
        readFactsBefore: async (_feed: string, segment: number, sequence: number) => {
          reads += 1;
          return feed.held.findLast(
            ({ first }) => segmentOf(first, SEGMENT) === segment && first <= sequence,
          );
        },
      };
      const found = await findByTime(source, tailOf(feed), time);
      const expected = feed.held.find(({ appendedAtEpochMillis }) => appendedAtEpochMillis >= time);
      expect(found.next).toBe(expected?.first ?? feed.next);
      const isEarlierHeld = feed.held.some(({ appendedAtEpochMillis }) => appendedAtEpochMillis < time);
      if (expected !== undefined) expect(found.mayBeFreed).toBe(!isEarlierHeld && expected.first > 1);
      else expect(found.mayBeFreed).toBe(false);
      expect(reads).toBeLessThanOrEqual(Math.ceil(Math.log2(feed.next + 1)) + 1);
    }),
    { numRuns: 500 },
  );
});
