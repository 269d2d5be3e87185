import type { Clock } from "./clock.ts";

/** The feeds whose last advance is remembered. */
const KEPT_FEEDS = 1_000;

/**
 * Tells the followers of a process that a feed has advanced, where ingest runs in the same process. It is only a hint: a
 * follower reads the queue to learn what is new, and reads without a hint as well, later.
 */
export class FeedAdvances {
  readonly #clock: Clock;
  /** Advances of all feeds so far. */
  #count = 0;
  /** By feed, the count at its last advance. The one that advanced last is the last entry. */
  readonly #lastOf = new Map<string, number>();
  /** The highest count that was forgotten. */
  #forgotten = 0;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  advanced(feed: string): void {
    this.#count += 1;
    this.#lastOf.delete(feed);
    this.#lastOf.set(feed, this.#count);
    const [oldest] = this.#lastOf;
    if (this.#lastOf.size > KEPT_FEEDS && oldest !== undefined) {
      this.#lastOf.delete(oldest[0]);
      this.#forgotten = oldest[1];
    }
    for (const resume of this.#waiting.get(feed) ?? []) resume();
  }

  /** To be taken before a read: `next` then knows which advances that read may have missed. */
  mark(): number {
    return this.#count;
  }

  /** Resolves when the feed has advanced since the mark, and after `mostMillis` at the latest. */
  async next(feed: string, mark: number, mostMillis: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || (this.#lastOf.get(feed) ?? this.#forgotten) > mark) return;
    const resumed = new AbortController();
    // A reason of our own: the default one is an exception with a stack.
    const resume = () => resumed.abort("resumed");
    signal.addEventListener("abort", resume, { once: true });
    const waiting = this.#waiting.get(feed) ?? new Set();
    this.#waiting.set(feed, waiting.add(resume));
    await this.#clock.sleep(mostMillis, resumed.signal);
    signal.removeEventListener("abort", resume);
    waiting.delete(resume);
    if (waiting.size === 0 && this.#waiting.get(feed) === waiting) this.#waiting.delete(feed);
  }
}
