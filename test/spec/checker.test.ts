import { describe, expect, it } from "vitest";
import { check, type Specification } from "./checker.ts";

/** A walk over numbers. `ways` has the steps from each number, and 9 is the good end. */
function walk(ways: Readonly<Record<number, readonly number[]>>): Specification<number> {
  return {
    initial: 0,
    steps: (state) => (ways[state] ?? []).map((next) => ({ name: `to ${next}`, state: next })),
    key: String,
    problemsOf: (state) => (state === 13 ? ["thirteen"] : []),
    problemsOfStep: (before, { state }) => (state === before - 1 ? ["a step back by one"] : []),
    isWell: (state) => state === 9,
  };
}

describe("the checker", () => {
  it("visits each state once and finds nothing wrong", () => {
    const verdict = check(walk({ 0: [1, 3], 1: [9], 3: [1, 9] }));
    expect(verdict).toMatchObject({ states: 4, steps: 5 });
    expect(verdict.counterexample).toBeUndefined();
  });

  it("reports a shortest path to a bad state", () => {
    expect(check(walk({ 0: [1, 2], 1: [3], 3: [13], 2: [13] })).counterexample).toEqual({
      problem: "thirteen",
      trace: ["to 2", "to 13"],
    });
  });

  it("reports a bad step, even into a known state", () => {
    expect(check(walk({ 0: [4, 5], 5: [4], 4: [9] })).counterexample).toEqual({
      problem: "a step back by one",
      trace: ["to 5", "to 4"],
    });
  });

  it("reports a dead end", () => {
    expect(check(walk({ 0: [9, 5] })).counterexample).toMatchObject({
      problem: expect.stringContaining("nothing more can happen"),
      trace: ["to 5"],
    });
  });

  it("reports a cycle without a way out", () => {
    expect(check(walk({ 0: [9, 5], 5: [7], 7: [5] })).counterexample).toMatchObject({
      problem: expect.stringContaining("no good end"),
      trace: ["to 5"],
    });
  });

  it("accepts a cycle with a way out", () => {
    expect(check(walk({ 0: [5], 5: [7], 7: [5, 9] })).counterexample).toBeUndefined();
  });

  it("refuses a specification without bounds", () => {
    const endless: Specification<number> = {
      ...walk({}),
      steps: (state) => [{ name: "on", state: state + 20 }],
    };
    expect(() => check(endless, 100)).toThrow(RangeError);
  });
});
