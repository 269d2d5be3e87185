import { describe, expect, it } from "vitest";
import { MemoryWorld } from "./memoryWorld.ts";
import { runSchedule, type Verdict } from "./run.ts";
import { bySeed, exploreAll } from "./scheduler.ts";
import { PLAIN, type Setup, SMALLEST, WITH_SWEEP, WITHOUT_SWEEP } from "./setup.ts";
import { canRun } from "./world.ts";
import { WRONG_PORTS } from "./wrongPorts.ts";

const SEEDS = 2_000;

const world = new MemoryWorld();
/** With titles in full: those of `$name` are cut short. */
const named = (setups: readonly Setup[]) =>
  setups.filter((setup) => canRun(world, setup)).map((setup) => [setup.name, setup] as const);

/** Returns the first seed whose schedule is judged to be wrong; 0 when there is none. */
async function runMany(
  run: (seed: number) => Promise<Verdict>,
  seeds: number,
  judge: (verdict: Verdict, seed: number) => boolean,
): Promise<number> {
  for (let seed = 1; seed <= seeds; seed += 1) if (judge(await run(seed), seed)) return seed;
  return 0;
}

function expectNone(problems: readonly string[], { trace }: Verdict, seed: number): void {
  if (problems.length > 0) throw new Error(`seed ${seed}: ${problems.join("; ")}\n  ${trace.join("\n  ")}`);
}

describe("the wake protocol, step by step in every order", () => {
  it(`loses nothing in any interleaving of ${SMALLEST.name}`, async () => {
    const { runs, complete } = await exploreAll(async (schedule) => {
      const verdict = await runSchedule(world, SMALLEST, schedule);
      expectNone([...verdict.beforeRepair, ...verdict.problems], verdict, 0);
    }, 20_000);
    expect(complete).toBe(true);
    expect(runs).toBeGreaterThan(5_000);
  }, 120_000);

  it.each(named(WITHOUT_SWEEP))(
    "loses nothing in many schedules of %s, without any sweep",
    async (_name, setup) => {
      await runMany(
        (seed) => runSchedule(world, setup, bySeed(seed)),
        SEEDS,
        (verdict, seed) => {
          expectNone([...verdict.beforeRepair, ...verdict.problems], verdict, seed);
          return false;
        },
      );
    },
    60_000,
  );

  it.each(named(WITH_SWEEP))(
    "has repaired everything after the sweep: %s",
    async (_name, setup) => {
      let needed = 0;
      await runMany(
        (seed) => runSchedule(world, setup, bySeed(seed)),
        SEEDS,
        (verdict, seed) => {
          expectNone(verdict.problems, verdict, seed);
          if (verdict.beforeRepair.length > 0) needed += 1;
          return false;
        },
      );
      // Otherwise these runs would say nothing of the sweep.
      expect(needed).toBeGreaterThan(50);
    },
    60_000,
  );
});

describe("each of these small changes is found", () => {
  it.each(Object.entries(WRONG_PORTS))(
    "%s",
    async (_race, { ports, crashing, isFound }) => {
      const setup: Setup = crashing ? { ...PLAIN, crashes: 1, crashing } : PLAIN;
      const wrong = new MemoryWorld(ports);
      expect(
        await runMany((seed) => runSchedule(wrong, setup, bySeed(seed)), 3_000, isFound),
      ).toBeGreaterThan(0);
      // The same schedules find nothing in the protocol as it is.
      expect(await runMany((seed) => runSchedule(world, setup, bySeed(seed)), 800, isFound)).toBe(0);
    },
    60_000,
  );
});
