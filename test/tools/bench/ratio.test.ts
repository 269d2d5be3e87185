import { describe, expect, it } from "vitest";
import { pairedRatio } from "../../../tools/bench/ratio.ts";

describe("a paired ratio", () => {
  it("is exact where all pairs agree, however much the pairs differ among each other", () => {
    const { mean, low, high } = pairedRatio([20, 400, 6], [10, 200, 3]);
    expect(mean).toBeCloseTo(2, 10);
    expect(low).toBeCloseTo(2, 10);
    expect(high).toBeCloseTo(2, 10);
  });

  it("weighs twice as much and half as much alike", () => {
    expect(pairedRatio([20, 5], [10, 10]).mean).toBeCloseTo(1, 10);
  });

  /** Logarithms 0.1 and 0.3: mean 0.2, standard error 0.1, Student's t 6.31 with one degree of freedom. */
  it("has the range of Student's t", () => {
    const { mean, low, high } = pairedRatio([Math.exp(0.1), Math.exp(0.3)], [1, 1]);
    expect(Math.log(mean)).toBeCloseTo(0.2, 10);
    expect(Math.log(low)).toBeCloseTo(0.2 - 0.631, 3);
    expect(Math.log(high)).toBeCloseTo(0.2 + 0.631, 3);
  });

  it("has no range with a single pair", () => {
    const { mean, low } = pairedRatio([3], [2]);
    expect([mean, low]).toEqual([1.5, Number.NaN]);
  });
});
