import { HttpProblem } from "../../shared/http/problem.ts";
import type { Clock } from "../../shared/runtime/clock.ts";

/** Requests that one process keeps waiting. On AWS a process has one request at a time. */
const MOST_WAITING = 100;

/** The first pauses find a busy feed's next page soon. The last ones make a quiet feed cost a read each second. */
const FIRST_PAUSE_MILLIS = 50;
const LONGEST_PAUSE_MILLIS = 1_000;

/** Long polls: requests that wait for something to be there. */
export class Waiting {
  readonly #clock: Clock;
  readonly #stopping: AbortSignal;
  #count = 0;

  /** @param stopping when it aborts, everyone is answered at once */
  constructor(clock: Clock, stopping: AbortSignal) {
    this.#clock = clock;
    this.#stopping = stopping;
  }

  /**
   * Calls `ask` until it returns something, with pauses that double, and once more at the end of the time.
   * @throws HttpProblem 429 when too many wait already
   */
  async until<T>(waitMillis: number, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    const endsAt = this.#clock.nowEpochMillis() + waitMillis;
    const first = await ask();
    if (first !== undefined || waitMillis === 0) return first;
    if (this.#count >= MOST_WAITING)
      throw new HttpProblem(429, "relay.too-many-waiting", "Too many requests are waiting already.", {
        retryAfterSeconds: 1,
      });
    this.#count += 1;
    try {
      for (let pause = FIRST_PAUSE_MILLIS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS)) {
        const leftMillis = endsAt - this.#clock.nowEpochMillis();
        // A clock that was set back would make the wait longer than asked for.
        if (leftMillis <= 0 || leftMillis > waitMillis || this.#stopping.aborted) return undefined;
        await this.#clock.sleep(Math.min(pause, leftMillis), this.#stopping);
        const found = await ask();
        if (found !== undefined) return found;
      }
    } finally {
      this.#count -= 1;
    }
  }
}
