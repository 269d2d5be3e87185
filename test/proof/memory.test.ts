import { describe, expect, it } from "vitest";
import { chooseBySeed, exploreAll, seededRandom } from "./scheduler.ts";
import { type Mutation, NO_FAULTS, type Outcome, type Setup, simulate } from "./memoryWorld.ts";

/** What the design names: two notifiers, two deliverers, three appends. */
const DESIGN: Setup = {
  appends: [2, 1],
  sessions: 1,
  notifiers: 2,
  deliverers: 2,
  segmentSize: 4,
  faults: NO_FAULTS,
};

/** Faults that hints survive: nothing may be lost, and no sweep is needed. */
const HINTS_SURVIVE = { ...NO_FAULTS, notifierCrashes: 1, doubledHints: 2 };

/** Faults after which a hint is gone, or a lease is left behind: the sweep repairs. */
const SWEEP_REPAIRS = {
  notifierCrashes: 1,
  delivererCrashes: 1,
  appenderCrashes: 1,
  doubledHints: 1,
  lostHints: 1,
  leasesRunOut: 1,
  sweeps: 1,
};

const SEEDS = 2_000;

/** Runs a setup with many seeds, half of them with some actors much slower than others. */
async function runMany(
  setup: Setup,
  seeds: number,
  judge: (outcome: Outcome, seed: number) => boolean,
): Promise<number> {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const random = seededRandom(seed);
    if (judge(await simulate(setup, chooseBySeed(seed, random)), seed)) return seed;
  }
  return 0;
}

function expectNone(problems: readonly string[], { trace }: Outcome, seed: number): void {
  if (problems.length > 0) throw new Error(`seed ${seed}: ${problems.join("; ")}\n  ${trace.join("\n  ")}`);
}

describe("the wake protocol, step by step in every order", () => {
  it("loses nothing in any interleaving of an append, a notifier, two deliverers, and a doubled hint", async () => {
    const setup = { ...DESIGN, appends: [1], notifiers: 1, faults: { ...NO_FAULTS, doubledHints: 1 } };
    const { runs, complete } = await exploreAll(async (choose) => {
      const outcome = await simulate(setup, choose);
      expectNone(outcome.problems, outcome, 0);
    }, 20_000);
    expect(complete).toBe(true);
    expect(runs).toBeGreaterThan(5_000);
  }, 120_000);

  it.each<[string, Setup]>([
    ["two notifiers, two deliverers, three appends", { ...DESIGN, faults: HINTS_SURVIVE }],
    ["turns that end after one batch", { ...DESIGN, faults: HINTS_SURVIVE, turnMillis: 0 }],
    ["refusals and delayed wakes", { ...DESIGN, faults: HINTS_SURVIVE, refusedPosts: [1, 3] }],
    ["requests that outstay the fast lane", { ...DESIGN, faults: HINTS_SURVIVE, unansweredPosts: [1, 2, 4] }],
    ["three sessions", { ...DESIGN, faults: HINTS_SURVIVE, sessions: 3, deliverers: 3 }],
  ])(
    "loses nothing in many schedules of %s, without any sweep",
    async (_name, setup) => {
      await runMany(setup, SEEDS, (outcome, seed) => {
        expectNone(outcome.problems, outcome, seed);
        return false;
      });
    },
    60_000,
  );

  it.each<[string, Setup]>([
    ["crashes, lost hints and leases that run out", { ...DESIGN, faults: SWEEP_REPAIRS }],
    [
      "the same with refusals and short turns",
      { ...DESIGN, faults: SWEEP_REPAIRS, refusedPosts: [2], turnMillis: 0 },
    ],
    ["the same with unanswered requests", { ...DESIGN, faults: SWEEP_REPAIRS, unansweredPosts: [1, 2, 4] }],
    ["the same with three sessions", { ...DESIGN, faults: SWEEP_REPAIRS, sessions: 3, deliverers: 3 }],
  ])(
    "has repaired everything after the sweep: %s",
    async (_name, setup) => {
      let needed = 0;
      await runMany(setup, SEEDS, (outcome, seed) => {
        expectNone(outcome.problemsAfterSweep, outcome, seed);
        if (outcome.problems.length > 0) needed += 1;
        return false;
      });
      // Otherwise these runs would say nothing of the sweep.
      expect(needed).toBeGreaterThan(50);
    },
    60_000,
  );
});

describe("each of these small changes is found", () => {
  it.each<[Mutation, Setup["faults"]]>([
    ["mark before sending the wake", { ...NO_FAULTS, notifierCrashes: 1 }],
    ["mark without the fence", NO_FAULTS],
    ["park without reading the tail again", NO_FAULTS],
    ["notify reads stale cursors", NO_FAULTS],
    ["cross in two writes", { ...NO_FAULTS, delivererCrashes: 1 }],
  ])(
    "%s",
    async (mutation, faults) => {
      const isFound = (outcome: Outcome) =>
        mutation === "cross in two writes"
          ? outcome.problemsAfterSweep.some((problem) => problem.startsWith("segment"))
          : outcome.problems.some((problem) => problem.includes("never got"));
      const setup = { ...DESIGN, faults };
      expect(await runMany({ ...setup, mutation }, 3_000, isFound)).toBeGreaterThan(0);
      // The same schedules find nothing in the protocol as it is.
      expect(await runMany(setup, 800, isFound)).toBe(0);
    },
    60_000,
  );
});
