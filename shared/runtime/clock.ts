/** The only source of time for decisions. It is a parameter, so tests can move the time. */
export interface Clock {
  nowEpochMillis(): number;
  /** Resolves after `millis`, or earlier once `signal` aborts. Never rejects. */
  sleep(millis: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowEpochMillis: () => Date.now(),
  sleep: (millis, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, millis);
      signal?.addEventListener("abort", done, { once: true });
    }),
};

/** The CPU time of this thread. It does not advance while the thread waits or the machine sleeps. */
export function cpuMillis(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
