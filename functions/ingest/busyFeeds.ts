import { LRUCache } from "lru-cache";
import type { Clock } from "../../shared/runtime/clock.ts";

/**
 * How long a lone request waits for a second one. At 200 requests a second the next one comes after 5 ms, and pages of two
 * cost the process and its database a quarter less than pages of one.
 */
const MOST_WAIT_MILLIS = 8;

/** Where waiting does not pay, it is tried again after so many requests at the latest. */
const MOST_SKIPPED = 256;

/** The feeds that are remembered. */
const KEPT_FEEDS = 1_000;

interface Pace {
  cameAtEpochMillis: number;
  /** Requests that do not wait, before the next one tries again. */
  toSkip: number;
  /** How many did not wait after the last try. */
  skipped: number;
}

/**
 * Says which requests of a busy feed may wait for a second one to share their page with. A producer that sends each request
 * after the answer to the one before has no second one: after a wait in vain, as many requests as 1, 2, 4 … do not wait.
 */
export class BusyFeeds {
  readonly #clock: Pick<Clock, "nowEpochMillis">;
  readonly #paces = new LRUCache<string, Pace>({ max: KEPT_FEEDS });

  constructor(clock: Pick<Clock, "nowEpochMillis">) {
    this.#clock = clock;
  }

  /** Notes a request that has come. @returns for how many milliseconds it may wait; 0 on a feed that is not busy */
  came(feed: string): number {
    const nowEpochMillis = this.#clock.nowEpochMillis();
    const pace = this.#paces.get(feed);
    if (pace === undefined) {
      this.#paces.set(feed, { cameAtEpochMillis: nowEpochMillis, toSkip: 0, skipped: 0 });
      return 0;
    }
    const isBusy = nowEpochMillis - pace.cameAtEpochMillis < MOST_WAIT_MILLIS;
    pace.cameAtEpochMillis = nowEpochMillis;
    if (!isBusy) return 0;
    if (pace.toSkip === 0) return MOST_WAIT_MILLIS;
    pace.toSkip -= 1;
    return 0;
  }

  /** A request has waited. @param isInVain no second one has come */
  waited(feed: string, isInVain: boolean): void {
    const pace = this.#paces.get(feed);
    if (pace === undefined) return;
    pace.skipped = isInVain ? Math.min(MOST_SKIPPED, Math.max(1, 2 * pace.skipped)) : 0;
    pace.toSkip = pace.skipped;
  }
}
