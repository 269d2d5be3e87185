import { describe, expect, it } from "vitest";
import { allProblems, findSeed, judgeAll, named } from "./judge.ts";
import { MemoryWorld } from "./memoryWorld.ts";
import { runSchedule } from "./run.ts";
import { exploreAll } from "./scheduler.ts";
import { PLAIN, type Setup, SMALLEST, WITH_SWEEP, WITHOUT_SWEEP } from "./setup.ts";
import { WRONG_PORTS } from "./wrongPorts.ts";

/** Half as many of the long runs, which mainly test the engine. */
const seedsOf = ({ chanceRate }: Setup) => ({ first: 1, count: chanceRate < 1 ? 1_000 : 2_000 });

const world = new MemoryWorld();

describe("the wake protocol, step by step in every order", () => {
  it(`loses nothing in any interleaving of ${SMALLEST.name}`, async () => {
    const { runs, complete } = await exploreAll(async (schedule) => {
      const verdict = await runSchedule(world, SMALLEST, schedule);
      const problems = allProblems(verdict);
      if (problems.length > 0) throw new Error(`${problems.join("; ")}\n  ${verdict.trace.join("\n  ")}`);
    }, 20_000);
    expect(complete).toBe(true);
    expect(runs).toBeGreaterThan(4_000);
  }, 120_000);

  it.each(named(world, WITHOUT_SWEEP))(
    "loses nothing in many schedules without a sweep: %s",
    (_name, setup) => judgeAll(world, setup, seedsOf(setup), allProblems),
    60_000,
  );

  it.each(named(world, WITH_SWEEP))(
    "loses nothing once the sweep has run: %s",
    async (_name, setup) => {
      let needed = 0;
      await judgeAll(world, setup, seedsOf(setup), ({ beforeRepair, problems }) => {
        if (beforeRepair.length > 0) needed += 1;
        return problems;
      });
      // Otherwise these runs would prove nothing about the sweep.
      expect(needed).toBeGreaterThan(50);
    },
    60_000,
  );
});

describe("each of these races is found when it is opened", () => {
  it.each(Object.entries(WRONG_PORTS))(
    "%s",
    async (_race, { ports, crashing, isFound }) => {
      const setup: Setup = crashing ? { ...PLAIN, crashes: 1, crashing } : PLAIN;
      const found = await findSeed(new MemoryWorld(ports), setup, { first: 1, count: 3_000 }, isFound);
      expect(found).toBeGreaterThan(0);
      // The same schedules find nothing in the correct protocol.
      expect(await findSeed(world, setup, { first: 1, count: 800 }, isFound)).toBeUndefined();
    },
    60_000,
  );
});
