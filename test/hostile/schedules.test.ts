import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runHostile, type Setup, type Verdict } from "./hostileRun.ts";
import { WITH_SWEEP, WITHOUT_SWEEP } from "./setups.ts";
import { World } from "./world.ts";

/** As many as two minutes on two cores allow; `npm run torture` goes on with others. */
const SEEDS = Number(process.env.SEEDS ?? 25);
const FIRST_SEED = Number(process.env.SEED ?? 1);

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

async function judge(setup: Setup, problemsOf: (verdict: Verdict) => readonly string[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
    const verdict = await runHostile(world, setup, seed);
    verdicts.push(verdict);
    const problems = problemsOf(verdict);
    if (problems.length > 0)
      throw new Error(
        `seed ${seed} of "${setup.name}": ${problems.join("; ")}\n  ${verdict.trace.join("\n  ")}`,
      );
  }
  return verdicts;
}

describe("the real handlers over the real SDK, one call at a time in many orders", () => {
  it.each(WITHOUT_SWEEP)(
    "lose nothing and need no sweep: $name",
    async (setup) => {
      const verdicts = await judge(setup, ({ beforeRepair, problems }) => [...beforeRepair, ...problems]);
      console.log(setup.name, verdicts.reduce((sum, { calls }) => sum + calls, 0) / SEEDS, "calls a run");
      expect(verdicts).toHaveLength(SEEDS);
    },
    300_000,
  );

  it.each(WITH_SWEEP)(
    "have everything repaired by the next sweep: $name",
    async (setup) => {
      const verdicts = await judge(setup, ({ problems }) => problems);
      console.log(
        setup.name,
        verdicts.reduce((sum, { calls }) => sum + calls, 0) / SEEDS,
        "calls a run",
        verdicts.filter(({ beforeRepair }) => beforeRepair.length > 0).length,
      );
      expect(verdicts).toHaveLength(SEEDS);
    },
    300_000,
  );
});
