import { setTimeout as pause } from "node:timers/promises";
import { type Log, silentLog } from "../shared/runtime/log.ts";

/** HTTP requests get half of it, so that deliveries are waited for as well. */
export const HTTP_STOP_WITHIN_MILLIS = 4_000;
/** All of stopping: containers are killed ten seconds after they were asked to stop. */
const STOP_WITHIN_MILLIS = 8_000;
/** Longer than a poll, which nobody needs to hear of. */
const SAY_AFTER_MILLIS = 2_000;

/** The steps of stopping share one deadline, and each says what it waits for. */
export class Stopping {
  /** Until the relay has started, nobody asked it to stop: a failed start says why by itself. */
  log: Log = silentLog;
  #deadlineMillis: number | undefined;

  /** Resolves when the step is done or the time is over, whichever is first. */
  async step(what: string, done: Promise<unknown>, mostMillis = STOP_WITHIN_MILLIS): Promise<void> {
    this.#deadlineMillis ??= performance.now() + STOP_WITHIN_MILLIS;
    const deadlineMillis = Math.min(this.#deadlineMillis, performance.now() + mostMillis);
    const over = new AbortController();
    try {
      await Promise.race([done, this.#watch(what, deadlineMillis, over.signal)]);
    } finally {
      over.abort();
    }
  }

  async #watch(what: string, deadlineMillis: number, over: AbortSignal): Promise<void> {
    const leftMillis = () => Math.max(0, deadlineMillis - performance.now());
    // The time was used up by an earlier step; what is done already is still done.
    if (leftMillis() === 0) return;
    const wait = (millis: number) => pause(millis, undefined, { signal: over }).catch(() => {});
    await wait(Math.min(SAY_AFTER_MILLIS, leftMillis()));
    while (leftMillis() > 0 && !over.aborted) {
      const secondsLeft = Math.ceil(leftMillis() / 1000);
      this.log.warn(`waiting for ${what}; press Ctrl-C again to stop at once`, { secondsLeft });
      await wait(Math.min(2_000, leftMillis()));
    }
    if (!over.aborted) this.log.warn(`stopped waiting for ${what}`);
  }
}
