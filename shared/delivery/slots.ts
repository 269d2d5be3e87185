/** A bounded number of things that may happen at once; the others wait in order of arrival. */
export interface Slots {
  /** True once a slot is held, false when `signal` aborted first. Never rejects. */
  take(signal: AbortSignal): Promise<boolean>;
  /** Gives one held slot to whoever waits longest. */
  give(): void;
  readonly isIdle: boolean;
}

export function createSlots(limit: number): Slots {
  let taken = 0;
  const waiting = new Set<() => void>();

  return {
    get isIdle() {
      return taken === 0;
    },
    async take(signal) {
      if (signal.aborted) return false;
      if (taken < limit) {
        taken += 1;
        return true;
      }
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const granted = () => {
        signal.removeEventListener("abort", gaveUp);
        resolve(true);
      };
      const gaveUp = () => {
        waiting.delete(granted);
        resolve(false);
      };
      waiting.add(granted);
      signal.addEventListener("abort", gaveUp, { once: true });
      return promise;
    },
    give() {
      const [next] = waiting;
      if (next === undefined) {
        taken -= 1;
        return;
      }
      waiting.delete(next);
      next();
    },
  };
}
