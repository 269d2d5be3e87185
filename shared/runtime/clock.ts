/** The only source of time for decisions. It is a parameter, so tests can move the time. */
export interface Clock {
  nowEpochMillis(): number;
  /**
   * Resolves after `millis`, or earlier once one of the signals aborts. Never rejects. Takes several, because `AbortSignal.any`
   * leaves traces in a signal that lives as long as the process, which garbage collection has to clear.
   */
  sleep(millis: number, ...signals: readonly AbortSignal[]): Promise<void>;
}

export const systemClock: Clock = {
  nowEpochMillis: () => Date.now(),
  sleep: (millis, ...signals) =>
    new Promise((resolve) => {
      if (signals.some(({ aborted }) => aborted)) return resolve();
      const done = () => {
        clearTimeout(timer);
        for (const signal of signals) signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, millis);
      for (const signal of signals) signal.addEventListener("abort", done, { once: true });
    }),
};

/** The CPU time of this thread. It does not advance while the thread waits or the machine sleeps. */
export function cpuMillis(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
