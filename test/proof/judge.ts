import { runSchedule, type Verdict } from "./run.ts";
import { bySeed } from "./scheduler.ts";
import type { Setup } from "./setup.ts";
import { canRun, type World } from "./world.ts";

export interface Seeds {
  readonly first: number;
  readonly count: number;
}

/** Runs a setup with one seed at a time. Throws at the first seed with problems, and shows the run's trace. */
export async function judgeAll(
  world: World,
  setup: Setup,
  seeds: Seeds,
  problemsOf: (verdict: Verdict) => readonly string[],
): Promise<void> {
  await findSeed(world, setup, seeds, (verdict, seed) => {
    const problems = problemsOf(verdict);
    if (problems.length === 0) return false;
    throw new Error(
      `seed ${seed} of "${setup.name}": ${problems.join("; ")}\n  ${verdict.trace.join("\n  ")}`,
    );
  });
}

/** Returns the first seed whose verdict `isMeant`; undefined if there is none. */
export async function findSeed(
  world: World,
  setup: Setup,
  { first, count }: Seeds,
  isMeant: (verdict: Verdict, seed: number) => boolean,
): Promise<number | undefined> {
  for (let seed = first; seed < first + count; seed += 1)
    if (isMeant(await runSchedule(world, setup, bySeed(seed)), seed)) return seed;
  return undefined;
}

/** The setups that a world supports, for `it.each` with `%s`: vitest truncates the titles of `$name`. */
export function named(world: Pick<World, "lacks">, setups: readonly Setup[]): [string, Setup][] {
  return setups.filter((setup) => canRun(world, setup)).map((setup) => [setup.name, setup]);
}

export function allProblems({ beforeRepair, problems }: Verdict): string[] {
  return [...beforeRepair, ...problems];
}
