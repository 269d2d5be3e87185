import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EngineWorld } from "./engineWorld.ts";
import { allProblems, judgeAll, named } from "./judge.ts";
import { runSchedule, type Verdict } from "./run.ts";
import { bySeed } from "./scheduler.ts";
import { WITH_SWEEP, WITHOUT_SWEEP } from "./setup.ts";

/** Seeds per setup. A run makes some 150 calls to the engine. `npm run torture -- --schedules` runs more seeds. */
const SEEDS = { first: Number(process.env.SEED ?? 1), count: Number(process.env.SEEDS ?? 8) };

/** A busy machine may need a second per run. */
const TIMEOUT_MILLIS = 300_000;

let world: EngineWorld;
beforeAll(async () => {
  world = await EngineWorld.start();
});
afterAll(() => world[Symbol.asyncDispose]());

describe(`the real handlers over the real SDK, one call at a time, seeds ${SEEDS.first} to ${SEEDS.first + SEEDS.count - 1}`, () => {
  it.each(named(EngineWorld, WITHOUT_SWEEP))(
    "lose nothing and need no sweep: %s",
    (_name, setup) => judgeAll(world, setup, SEEDS, allProblems),
    TIMEOUT_MILLIS,
  );

  it.each(named(EngineWorld, WITH_SWEEP))(
    "lose nothing once the next sweep has run: %s",
    (_name, setup) => judgeAll(world, setup, SEEDS, ({ problems }) => problems),
    TIMEOUT_MILLIS,
  );

  it(
    "a seed repeats its run, call by call and fault by fault",
    async () => {
      for (const [, setup] of named(EngineWorld, WITH_SWEEP)) {
        const [first, second] = [
          await runSchedule(world, setup, bySeed(SEEDS.first)),
          await runSchedule(world, setup, bySeed(SEEDS.first)),
        ];
        // Only the feed's name differs.
        const steps = ({ trace }: Verdict) => trace.map((step) => step.replace(/feed-\d+/, "feed"));
        expect(steps(second)).toEqual(steps(first));
        expect(second.faults).toEqual(first.faults);
      }
    },
    TIMEOUT_MILLIS,
  );
});
