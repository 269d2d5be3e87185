import { LRUCache } from "lru-cache";

/** A bucket holds what flows in during this time, so a caller may be quiet and then quick. */
const BURST_SECONDS = 2;

/** Callers whose buckets one process keeps. A forgotten bucket begins full. */
const KEPT_BUCKETS = 10_000;

/** A token has a thousand parts, of which `perSecond` flow in each millisecond: the sums stay whole. */
const TOKEN = 1000;

interface Bucket {
  readonly parts: number;
  readonly atEpochMillis: number;
}

/** Token buckets, one for each caller of this process. */
export class RateLimit {
  readonly #buckets = new LRUCache<string, Bucket>({ max: KEPT_BUCKETS });

  /**
   * Takes one token. Returns 0, or the milliseconds until the next token when there is none.
   * @param perSecond tokens that flow in each second; twice as many fit into the bucket
   */
  take(caller: string, perSecond: number, nowEpochMillis: number): number {
    const full = perSecond * BURST_SECONDS * TOKEN;
    const { parts, atEpochMillis } = this.#buckets.get(caller) ?? {
      parts: full,
      atEpochMillis: nowEpochMillis,
    };
    // A clock that was set back adds nothing.
    const elapsedMillis = Math.max(0, nowEpochMillis - atEpochMillis);
    const now = Math.min(full, parts + elapsedMillis * perSecond);
    const isTaken = now >= TOKEN;
    this.#buckets.set(caller, { parts: isTaken ? now - TOKEN : now, atEpochMillis: nowEpochMillis });
    return isTaken ? 0 : Math.ceil((TOKEN - now) / perSecond);
  }
}
