import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SentMarks } from "../../gateway/server/sentMarks.ts";

const NOW = 1_700_000_000_000;

describe("marks of a connection", () => {
  it("are confirmed when the queue holds no more than what was written after them", () => {
    const marks = new SentMarks();
    marks.add(11, 1_000, NOW);
    marks.add(21, 2_000, NOW + 1_000);
    marks.add(31, 3_000, NOW + 2_000);
    expect(marks.acknowledge(3_000, 2_001)).toBe(true);
    expect(marks.confirmAcknowledged()).toBeUndefined();
    expect(marks.acknowledge(3_000, 1_000)).toBe(true);
    expect(marks.confirmAcknowledged()).toBe(21);
    expect(marks.acknowledge(3_000, 1_000)).toBe(false);
    expect(marks.isEmpty).toBe(false);
    marks.acknowledge(3_000, 0);
    expect(marks.confirmAcknowledged()).toBe(31);
    expect(marks.isEmpty).toBe(true);
  });

  it("are not confirmed by an empty queue while their bytes wait outside the kernel", () => {
    const marks = new SentMarks();
    marks.add(11, 1_000, NOW);
    marks.acknowledge(999, 0);
    expect(marks.confirmAcknowledged()).toBeUndefined();
  });

  it("without bytes of their own are confirmed with those before them", () => {
    const marks = new SentMarks();
    marks.add(5, 0, NOW);
    expect(marks.confirmAcknowledged()).toBe(5);
    marks.add(11, 1_000, NOW);
    marks.add(99, 1_000, NOW + 60_000);
    marks.acknowledge(1_000, 0);
    expect(marks.confirmAcknowledged()).toBe(99);
  });

  it("within a quarter of a second are one, which is confirmed with its last byte", () => {
    const marks = new SentMarks();
    marks.add(11, 1_000, NOW);
    marks.add(21, 2_000, NOW + 249);
    marks.add(31, 3_000, NOW + 250);
    marks.acknowledge(3_000, 1_500);
    expect(marks.confirmAcknowledged()).toBeUndefined();
    marks.acknowledge(3_000, 1_000);
    expect(marks.confirmAcknowledged()).toBe(21);
  });

  it("are bounded: the newest one grows when there are many", () => {
    const marks = new SentMarks();
    for (let count = 1; count <= 100_000; count += 1) marks.add(count + 1, count, NOW + 1_000 * count);
    marks.acknowledge(99_999, 0);
    expect(marks.confirmAcknowledged()).toBe(200);
    marks.acknowledge(100_000, 0);
    expect(marks.confirmAcknowledged()).toBe(100_001);
  });

  it("by age are those that the kernel has had for as long", () => {
    const marks = new SentMarks();
    marks.add(11, 1_000, NOW);
    marks.add(21, 2_000, NOW + 1_000);
    marks.postpone(1_000, NOW + 9_000);
    expect(marks.confirmOlderThan(NOW - 1)).toBeUndefined();
    expect(marks.confirmOlderThan(NOW + 8_999)).toBe(11);
    expect(marks.confirmOlderThan(NOW + 9_000)).toBe(21);
  });

  it("never confirm what the other side has not acknowledged, whatever encryption adds", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("write" as const), bytes: fc.integer({ min: 0, max: 500 }) }),
      fc.record({ kind: fc.constant("take" as const), writes: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constant("ack" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ kind: fc.constant("look" as const), late: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ kind: fc.constant("pass" as const), millis: fc.integer({ min: 0, max: 400 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.nat(30), (steps, overhead) => {
        const marks = new SentMarks();
        // Each write: its bytes, and where it ends in the encrypted stream. Mark N stands after write N.
        const writes: { bytes: number; end: number }[] = [];
        let [taken, acknowledged, confirmed, now] = [0, 0, 0, NOW];
        const endOf = (count: number) => writes[count - 1]?.end ?? 0;
        const plain = (count: number) => writes.slice(0, count).reduce((sum, { bytes }) => sum + bytes, 0);
        for (const each of steps) {
          if (each.kind === "write") {
            const { bytes } = each;
            writes.push({ bytes, end: endOf(writes.length) + bytes + (bytes > 0 ? overhead : 0) });
            marks.add(writes.length, plain(writes.length), now);
          } else if (each.kind === "take") taken = Math.min(writes.length, taken + each.writes);
          else if (each.kind === "ack")
            acknowledged += Math.floor(each.share * (endOf(taken) - acknowledged));
          else if (each.kind === "pass") now += each.millis;
          else {
            const written = plain(taken);
            // The kernel takes more between the two looks.
            taken = Math.min(writes.length, taken + each.late);
            marks.acknowledge(written, endOf(taken) - acknowledged);
            confirmed = marks.confirmAcknowledged() ?? confirmed;
          }
          expect(endOf(confirmed)).toBeLessThanOrEqual(acknowledged);
        }
        marks.acknowledge(plain(writes.length), 0);
        expect(marks.confirmAcknowledged() ?? confirmed).toBe(writes.length);
      }),
      { numRuns: 1_000 },
    );
  });
});
