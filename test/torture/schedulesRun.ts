import { runHostile, type Setup, type Verdict } from "../proof/run.ts";
import { ALL_SETUPS, randomSetup } from "../proof/setups.ts";
import type { World } from "../proof/engine.ts";

export interface SchedulesReport {
  readonly runs: number;
  readonly calls: number;
  /** Faults by kind and command. */
  readonly faults: ReadonlyMap<string, number>;
  readonly failed?: { readonly seed: number; readonly setup: Setup; readonly verdict: Verdict };
}

/** Hostile schedules one after the other, named setups and random ones in turn, until it is over or one fails. */
export async function tortureSchedules(
  world: World,
  seed: number,
  isOver: (runs: number) => boolean,
): Promise<SchedulesReport> {
  const faults = new Map<string, number>();
  let runs = 0;
  let calls = 0;
  for (; !isOver(runs); runs += 1) {
    const runSeed = seed + runs;
    const setup = setupOf(runSeed);
    const verdict = await runHostile(world, setup, runSeed);
    calls += verdict.calls;
    for (const fault of verdict.faults) faults.set(fault, (faults.get(fault) ?? 0) + 1);
    if (verdict.problems.length > 0)
      return { runs, calls, faults, failed: { seed: runSeed, setup, verdict } };
  }
  return { runs, calls, faults };
}

/** The same for the same seed, so that one run can be seen again alone. */
function setupOf(seed: number): Setup {
  const named = ALL_SETUPS[(seed >> 1) % ALL_SETUPS.length];
  return seed % 2 === 0 && named ? named : randomSetup(seed);
}
