import { afterAll, beforeAll, describe, it } from "vitest";
import { EngineWorld } from "./engineWorld.ts";
import { allProblems, judgeAll, named } from "./judge.ts";
import { WITH_SWEEP, WITHOUT_SWEEP, withGroups, withPacking } from "./setup.ts";

/** Seeds per setup. */
const SEEDS = { first: Number(process.env.SEED ?? 1), count: Number(process.env.SEEDS ?? 4) };

/** These runs have more sweeps, and take twice as long. */
const FEWER_SEEDS = { ...SEEDS, count: Math.ceil(SEEDS.count / 2) };

/** A busy machine may need a second per run. */
const TIMEOUT_MILLIS = 300_000;

let world: EngineWorld;
beforeAll(async () => {
  world = await EngineWorld.start();
});
afterAll(() => world[Symbol.asyncDispose]());

describe(`the real handlers with all sessions in groups, seeds ${SEEDS.first} to ${SEEDS.first + SEEDS.count - 1}`, () => {
  it.each(named(EngineWorld, WITHOUT_SWEEP))(
    "lose nothing and need no sweep: %s",
    (_name, setup) => judgeAll(world, withGroups(setup), SEEDS, allProblems),
    TIMEOUT_MILLIS,
  );

  it.each(named(EngineWorld, WITH_SWEEP))(
    "lose nothing once the next sweep has run: %s",
    (_name, setup) => judgeAll(world, withGroups(setup), SEEDS, ({ problems }) => problems),
    TIMEOUT_MILLIS,
  );

  it.each(named(EngineWorld, WITH_SWEEP))(
    "lose nothing while sweeps pack their rows: %s",
    (_name, setup) => judgeAll(world, withPacking(setup), FEWER_SEEDS, ({ problems }) => problems),
    TIMEOUT_MILLIS,
  );
});
