import { describe, expect, it } from "vitest";
import { pairedRatio } from "../../../tools/bench/ratio.ts";

/** A base of 1 for each. */
const toOne = (ratios: readonly number[]) =>
  pairedRatio(
    ratios,
    ratios.map(() => 1),
  );

describe("a paired ratio", () => {
  it("is exact where all pairs agree, however much the pairs differ among each other", () => {
    expect(pairedRatio([20, 400, 6, 8, 2], [10, 200, 3, 4, 1])).toEqual({ median: 2, range: [2, 2] });
  });

  it("is not moved by one stall", () => {
    expect(toOne([0.9, 1, 1.1, 1, 30]).median).toBe(1);
  });

  /** The order statistics of the sign test at 90 %, as tables of the binomial distribution have them. */
  it.each([
    [5, 1],
    [7, 1],
    [8, 2],
    [12, 3],
    [20, 6],
  ])(
    "of %i pairs has a range from the value number %i from below to the one from above",
    (count, outside) => {
      const ratios = Array.from({ length: count }, (_, index) => index + 1);
      expect(toOne(ratios.toReversed()).range).toEqual([outside, count + 1 - outside]);
    },
  );

  it.each([1, 4])("of %i pairs has no range", (count) => {
    expect(toOne(Array.from({ length: count }, () => 2))).toEqual({ median: 2, range: undefined });
  });
});
