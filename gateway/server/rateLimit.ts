import { LRUCache } from "lru-cache";
import type { Clock } from "../../shared/runtime/clock.ts";

type Now = Pick<Clock, "nowEpochMillis">;

/** Allows a burst of uses, then so many a second. */
export class TokenBucket {
  readonly #clock: Now;
  readonly #perMilli: number;
  readonly #burst: number;
  #left: number;
  #atEpochMillis: number;

  constructor(clock: Now, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perMilli = perSecond / 1000;
    this.#burst = burst;
    this.#left = burst;
    this.#atEpochMillis = clock.nowEpochMillis();
  }

  /** How long the next use must wait; zero counts the use. */
  delayMillis(): number {
    const now = this.#clock.nowEpochMillis();
    const refilled = Math.max(0, now - this.#atEpochMillis) * this.#perMilli;
    this.#left = Math.min(this.#burst, this.#left + refilled);
    this.#atEpochMillis = now;
    if (this.#left < 1) return Math.ceil((1 - this.#left) / this.#perMilli);
    this.#left -= 1;
    return 0;
  }
}

/** Keys whose use is remembered. Those used longest ago are forgotten. */
const MOST_KEYS = 20_000;

/** A bucket for each key, in bounded memory. */
export class RateLimit {
  readonly #make: () => TokenBucket;
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MOST_KEYS });

  constructor(clock: Now, perSecond: number, burst: number) {
    this.#make = () => new TokenBucket(clock, perSecond, burst);
  }

  /** Whether the key may be used once more; counts the use. */
  allows(key: string): boolean {
    const bucket = this.#buckets.get(key) ?? this.#make();
    this.#buckets.set(key, bucket);
    return bucket.delayMillis() === 0;
  }
}
