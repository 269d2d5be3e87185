/** What sources need from their surroundings. Tests pass their own. */
export interface SourceRuntime {
  /** In epoch milliseconds, for what people read. */
  now(): number;
  /** Milliseconds since some moment, for waits and limits. Setting the wall clock does not change it. */
  monotonicMillis(): number;
  /** From 0 to 1. */
  random(): number;
}

export const systemRuntime: SourceRuntime = {
  now: Date.now,
  monotonicMillis: () => performance.now(),
  random: Math.random,
};
