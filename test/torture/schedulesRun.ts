import { runSchedule, type Verdict } from "../proof/run.ts";
import { bySeed } from "../proof/scheduler.ts";
import {
  randomSetup,
  type Setup,
  WITH_SWEEP,
  WITHOUT_SWEEP,
  withGroups,
  withPacking,
} from "../proof/setup.ts";
import { canRun, type World } from "../proof/world.ts";

export interface SchedulesReport {
  readonly runs: number;
  readonly steps: number;
  /** Injected faults by kind and command. */
  readonly faults: ReadonlyMap<string, number>;
  readonly failed?: { readonly seed: number; readonly setup: Setup; readonly verdict: Verdict };
}

/**
 * Runs one schedule at a time, alternating named and random setups and the forms of the sessions' rows, until the time is over or a schedule fails.
 */
export async function tortureSchedules(
  world: World,
  seed: number,
  isOver: (runs: number) => boolean,
): Promise<SchedulesReport> {
  const faults = new Map<string, number>();
  let runs = 0;
  let steps = 0;
  for (; !isOver(runs); runs += 1) {
    const runSeed = seed + runs;
    const setup = setupOf(world, runSeed);
    const verdict = await runSchedule(world, setup, bySeed(runSeed));
    steps += verdict.trace.length;
    for (const fault of verdict.faults) faults.set(fault, (faults.get(fault) ?? 0) + 1);
    if (verdict.problems.length > 0)
      return { runs, steps, faults, failed: { seed: runSeed, setup, verdict } };
  }
  return { runs, steps, faults };
}

/** Determined by the seed, so that a single run can be reproduced alone. */
function setupOf(world: World, seed: number): Setup {
  const setups = [...WITHOUT_SWEEP, ...WITH_SWEEP].filter((setup) => canRun(world, setup));
  const named = setups[(seed >> 1) % setups.length];
  const setup = seed % 2 === 0 && named ? named : randomSetup(seed);
  // Rows of their own, groups, and rows that become groups.
  const form = FORMS[seed % FORMS.length] ?? withGroups;
  return form(setup);
}

const FORMS = [(setup: Setup) => setup, withGroups, withPacking];
