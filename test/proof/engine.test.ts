import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EngineWorld } from "./engineWorld.ts";
import { runSchedule, type Verdict } from "./run.ts";
import { bySeed } from "./scheduler.ts";
import { type Setup, WITH_SWEEP, WITHOUT_SWEEP } from "./setup.ts";
import { canRun } from "./world.ts";

/** Schedules of each setup. A run takes some 150 calls to the engine; `npm run torture -- --schedules` makes more. */
const SEEDS = Number(process.env.SEEDS ?? 20);
const FIRST_SEED = Number(process.env.SEED ?? 1);

/** A busy machine may take a second for a run. */
const TIMEOUT_MILLIS = 300_000;

/** With titles in full: those of `$name` are cut short. */
const named = (setups: readonly Setup[]) =>
  setups.filter((setup) => canRun(EngineWorld, setup)).map((setup) => [setup.name, setup] as const);

let world: EngineWorld;
beforeAll(async () => {
  world = await EngineWorld.start();
});
afterAll(() => world[Symbol.asyncDispose]());

async function judge(setup: Setup, problemsOf: (verdict: Verdict) => readonly string[]): Promise<void> {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
    const verdict = await runSchedule(world, setup, bySeed(seed));
    const problems = problemsOf(verdict);
    if (problems.length > 0)
      throw new Error(
        `seed ${seed} of "${setup.name}": ${problems.join("; ")}\n  ${verdict.trace.join("\n  ")}`,
      );
  }
}

describe(`the real handlers over the real SDK, one call at a time, seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1}`, () => {
  it.each(named(WITHOUT_SWEEP))(
    "lose nothing and need no sweep: %s",
    (_name, setup) => judge(setup, ({ beforeRepair, problems }) => [...beforeRepair, ...problems]),
    TIMEOUT_MILLIS,
  );

  it.each(named(WITH_SWEEP))(
    "have everything repaired by the next sweep: %s",
    (_name, setup) => judge(setup, ({ problems }) => problems),
    TIMEOUT_MILLIS,
  );

  it(
    "a seed repeats its run, call by call and fault by fault",
    async () => {
      for (const [, setup] of named(WITH_SWEEP)) {
        const [first, second] = [
          await runSchedule(world, setup, bySeed(FIRST_SEED)),
          await runSchedule(world, setup, bySeed(FIRST_SEED)),
        ];
        // Only the feed has another name.
        const named = ({ trace }: Verdict) => trace.map((step) => step.replace(/feed-\d+/, "feed"));
        expect(named(second)).toEqual(named(first));
        expect(second.faults).toEqual(first.faults);
      }
    },
    TIMEOUT_MILLIS,
  );
});
