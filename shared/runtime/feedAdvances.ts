import type { Clock } from "./clock.ts";

/** An advance this recent may have come after a follower's last read, which takes a few milliseconds. */
const RECENT_MILLIS = 20;

/**
 * Tells the followers of a process that a feed has advanced, where ingest runs in the same process. It is only a hint: a
 * follower reads the queue to learn what is new, and reads without a hint as well, later.
 */
export class FeedAdvances {
  readonly #clock: Clock;
  readonly #lastAtEpochMillis = new Map<string, number>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  advanced(feed: string): void {
    this.#forgetOld();
    this.#lastAtEpochMillis.delete(feed);
    this.#lastAtEpochMillis.set(feed, this.#clock.nowEpochMillis());
    for (const resume of this.#waiting.get(feed) ?? []) resume();
  }

  /** Resolves when the feed advances, at once if it has just done so, and after `mostMillis` at the latest. */
  async next(feed: string, mostMillis: number, signal: AbortSignal): Promise<void> {
    const ageMillis = this.#clock.nowEpochMillis() - (this.#lastAtEpochMillis.get(feed) ?? 0);
    if (ageMillis >= 0 && ageMillis < RECENT_MILLIS) return;
    const resumed = new AbortController();
    const resume = () => resumed.abort();
    signal.addEventListener("abort", resume, { once: true });
    const waiting = this.#waiting.get(feed) ?? new Set();
    this.#waiting.set(feed, waiting.add(resume));
    await this.#clock.sleep(signal.aborted ? 0 : mostMillis, resumed.signal);
    signal.removeEventListener("abort", resume);
    waiting.delete(resume);
    if (waiting.size === 0 && this.#waiting.get(feed) === waiting) this.#waiting.delete(feed);
  }

  /** Entries are in the order of their times, because each advance puts its feed last. */
  #forgetOld(): void {
    const nowEpochMillis = this.#clock.nowEpochMillis();
    for (const [feed, atEpochMillis] of this.#lastAtEpochMillis) {
      if (Math.abs(nowEpochMillis - atEpochMillis) < RECENT_MILLIS) return;
      this.#lastAtEpochMillis.delete(feed);
    }
  }
}
