import type { Clock } from "../../shared/runtime/clock.ts";

/** A clock that a test moves. It starts at the system's time, as rows are judged by other clocks too. */
export class ManualClock implements Clock {
  #nowEpochMillis = Date.now();
  readonly #sleepers = new Set<{ readonly untilEpochMillis: number; readonly wake: () => void }>();

  nowEpochMillis(): number {
    return this.#nowEpochMillis;
  }

  sleep(millis: number, ...signals: readonly AbortSignal[]): Promise<void> {
    return new Promise((resolve) => {
      if (signals.some(({ aborted }) => aborted)) return resolve();
      const sleeper = {
        untilEpochMillis: this.#nowEpochMillis + millis,
        wake: () => {
          this.#sleepers.delete(sleeper);
          for (const signal of signals) signal.removeEventListener("abort", sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      for (const signal of signals) signal.addEventListener("abort", sleeper.wake, { once: true });
    });
  }

  /** Lets time pass in one leap: everybody whose time has come wakes. */
  pass(millis: number): void {
    this.#nowEpochMillis += millis;
    for (const sleeper of this.#sleepers)
      if (sleeper.untilEpochMillis <= this.#nowEpochMillis) sleeper.wake();
  }
}
