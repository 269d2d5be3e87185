import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runHostile, type Setup, type Verdict } from "./run.ts";
import { WITH_SWEEP, WITHOUT_SWEEP } from "./setups.ts";
import { World } from "./engine.ts";

/** Schedules of each setup. A run takes some 150 calls to the engine; `npm run torture -- --schedules` makes more. */
const SEEDS = Number(process.env.SEEDS ?? 20);
const FIRST_SEED = Number(process.env.SEED ?? 1);

/** A busy machine may take a second for a run. */
const TIMEOUT_MILLIS = 300_000;

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

async function judge(setup: Setup, problemsOf: (verdict: Verdict) => readonly string[]): Promise<void> {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
    const verdict = await runHostile(world, setup, seed);
    const problems = problemsOf(verdict);
    if (problems.length > 0)
      throw new Error(
        `seed ${seed} of "${setup.name}": ${problems.join("; ")}\n  ${verdict.trace.join("\n  ")}`,
      );
  }
}

describe(`the real handlers over the real SDK, one call at a time, seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1}`, () => {
  it.each(WITHOUT_SWEEP)(
    "lose nothing and need no sweep: $name",
    (setup) => judge(setup, ({ beforeRepair, problems }) => [...beforeRepair, ...problems]),
    TIMEOUT_MILLIS,
  );

  it.each(WITH_SWEEP)(
    "have everything repaired by the next sweep: $name",
    (setup) => judge(setup, ({ problems }) => problems),
    TIMEOUT_MILLIS,
  );

  it(
    "a seed repeats its run, call by call and fault by fault",
    async () => {
      for (const setup of WITH_SWEEP) {
        const [first, second] = [
          await runHostile(world, setup, FIRST_SEED),
          await runHostile(world, setup, FIRST_SEED),
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
