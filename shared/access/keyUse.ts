import { LRUCache } from "lru-cache";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";

/** How exact a key's last use is. */
const EVERY_MILLIS = 3_600_000;

const KEPT_KEYS = 5_000;

export interface KeyUseStore {
  readKeyUse(id: string): Promise<number | undefined>;
  /** Writes the time unless the stored one is `earlierThanEpochMillis` or later. */
  recordKeyUse(id: string, usedAtEpochMillis: number, earlierThanEpochMillis: number): Promise<void>;
}

/**
 * Records when a key was last used, once an hour at most. No request waits for it: it runs beside the request's own work,
 * and what fails is tried again an hour later. AWS may freeze a function before it is done; it goes on with the next
 * request.
 */
export class KeyUse {
  readonly #store: KeyUseStore;
  readonly #clock: Pick<Clock, "nowEpochMillis">;
  readonly #log: Log;
  readonly #noted = new LRUCache<string, number>({ max: KEPT_KEYS });

  constructor(store: KeyUseStore, clock: Pick<Clock, "nowEpochMillis">, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  note(id: string): void {
    const nowEpochMillis = this.#clock.nowEpochMillis();
    if (nowEpochMillis - (this.#noted.get(id) ?? Number.NEGATIVE_INFINITY) < EVERY_MILLIS) return;
    this.#noted.set(id, nowEpochMillis);
    this.#record(id, nowEpochMillis).catch((error) => {
      this.#log.warn("a key's last use could not be recorded", { key: id, error });
    });
  }

  /** Each process reads before it writes: a read costs a tenth of a write, and most find that another wrote already. */
  async #record(id: string, nowEpochMillis: number): Promise<void> {
    const earlierThanEpochMillis = nowEpochMillis - EVERY_MILLIS;
    const recorded = await this.#store.readKeyUse(id);
    if (recorded !== undefined && recorded > earlierThanEpochMillis) return;
    await this.#store.recordKeyUse(id, nowEpochMillis, earlierThanEpochMillis);
  }
}
