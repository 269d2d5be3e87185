/** What sources need from their surroundings. Tests pass their own. */
export interface SourceRuntime {
  now(): number;
  /** From 0 to 1. */
  random(): number;
}

export const systemRuntime: SourceRuntime = { now: Date.now, random: Math.random };
