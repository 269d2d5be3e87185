import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FEED_NAME, firstOfSegment, lastOfSegment, segmentOf } from "../../../shared/queue/sequence.ts";

const size = fc.integer({ min: 1, max: 10_000 });
const sequence = fc.integer({ min: 1, max: 2 ** 40 });

describe("segments", () => {
  it("begin with number 1 and hold exactly their size", () => {
    expect([1, 10, 11, 20, 21].map((each) => segmentOf(each, 10))).toEqual([0, 0, 1, 1, 2]);
    expect([firstOfSegment(0, 10), lastOfSegment(0, 10), firstOfSegment(2, 10)]).toEqual([1, 10, 21]);
  });

  it("hold every number once, without a hole between two segments", () => {
    fc.assert(
      fc.property(sequence, size, (number, segmentSize) => {
        const segment = segmentOf(number, segmentSize);
        expect(firstOfSegment(segment, segmentSize)).toBeLessThanOrEqual(number);
        expect(lastOfSegment(segment, segmentSize)).toBeGreaterThanOrEqual(number);
        expect(firstOfSegment(segment + 1, segmentSize)).toBe(lastOfSegment(segment, segmentSize) + 1);
      }),
    );
  });
});

describe("a feed's name", () => {
  it.each(["a", "9", "pbx-1", "A.b_c-D", "x".repeat(64)])("may be %s", (name) => {
    expect(name).toMatch(FEED_NAME);
  });

  it.each(["", "-a", ".a", "_a", "a b", "a#b", "a/b", "ä", "a\n", "x".repeat(65)])(
    "may not be %j",
    (name) => {
      expect(name).not.toMatch(FEED_NAME);
    },
  );
});

it("a segment is not accepted as a sequence number, nor the reverse", () => {
  const segment = segmentOf(11, 10);
  // @ts-expect-error: segments and sequence numbers are different types.
  segmentOf(segment, 10);
  // @ts-expect-error
  firstOfSegment(lastOfSegment(segment, 10), 10);
  expect(firstOfSegment(segment, 10)).toBe(11);
});
