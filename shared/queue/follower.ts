import { PageUnreadableError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { FeedAdvances } from "./feedAdvances.ts";
import { lastOf, type Page } from "./page.ts";
import type { PageReader } from "./pageReader.ts";
import type { Sequence } from "./sequence.ts";

/** How often a follower checks for the next page while sessions wait for it. */
const TICK_MILLIS = 50;

/** Where advances are told, a check without one only finds what another process has appended. */
const UNTOLD_TICK_MILLIS = 250;

/**
 * Walks the pages of one feed for all its sessions in this process, each at its own pace. Sessions at the end of the
 * queue wait for the same ticks, so all of them share one read.
 */
export class Follower {
  readonly #feed: string;
  readonly #segmentSize: number;
  readonly #pages: Pick<PageReader, "read">;
  readonly #clock: Clock;
  readonly #advances: FeedAdvances | undefined;

  constructor(
    feed: string,
    segmentSize: number,
    pages: Pick<PageReader, "read">,
    clock: Clock,
    advances?: FeedAdvances,
  ) {
    this.#feed = feed;
    this.#segmentSize = segmentSize;
    this.#pages = pages;
    this.#clock = clock;
    this.#advances = advances;
  }

  /**
   * Consecutive pages from the one that holds `next`, up to `last` if it is given and the pages exist. Empty when
   * nothing was appended at `next` yet. If the first page begins after `next`, the pages between have expired.
   * @throws PageUnreadableError
   */
  async readThrough(next: Sequence, last?: Sequence): Promise<Page[]> {
    const pages = [...(await this.#pages.read(this.#feed, this.#segmentSize, next))];
    for (let end = pages.at(-1); last !== undefined && end && lastOf(end) < last; end = pages.at(-1)) {
      const more = await this.#pages.read(this.#feed, this.#segmentSize, lastOf(end) + 1);
      if (more.length === 0) break;
      pages.push(...more);
    }
    return pages;
  }

  /**
   * Consecutive pages from the one that holds `next`, as if the feed ended at `end`: at most `mostPages`, whatever this
   * process has in its cache. If the first page begins after `next`, the pages between have expired. They end before a page
   * that cannot be read.
   * @throws PageUnreadableError when the first page cannot be read
   */
  async readUpTo(next: Sequence, end: Sequence, mostPages: number): Promise<Page[]> {
    const pages: Page[] = [];
    for (let from = next; from <= end && pages.length < mostPages; ) {
      const more = await this.#readAfter(pages, from);
      const last = more.at(-1);
      if (last === undefined) break;
      pages.push(...more);
      from = lastOf(last) + 1;
    }
    return pages.filter((page) => lastOf(page) <= end).slice(0, mostPages);
  }

  async #readAfter(before: readonly Page[], from: Sequence): Promise<Page[]> {
    try {
      return await this.#pages.read(this.#feed, this.#segmentSize, from);
    } catch (error) {
      if (error instanceof PageUnreadableError && before.length > 0) return [];
      throw error;
    }
  }

  /** A turn that followed the feed has ended: it will not see the next page. */
  turnEnded(): void {
    this.#advances?.turnEnded(this.#feed);
  }

  /** To be taken before a read, for the tick after it. */
  mark(): number {
    return this.#advances?.mark() ?? 0;
  }

  /** Resolves at the next tick, at the first advance since the mark where they are told, and earlier once a signal aborts. */
  async nextTick(mark: number, ...signals: readonly AbortSignal[]): Promise<void> {
    if (this.#advances !== undefined)
      return this.#advances.next(this.#feed, mark, UNTOLD_TICK_MILLIS, ...signals);
    await this.#clock.sleep(TICK_MILLIS - (this.#clock.nowEpochMillis() % TICK_MILLIS), ...signals);
  }
}

/** The feeds whose followers a process keeps. */
const KEPT_FOLLOWERS = 1_000;

/**
 * Returns one follower per feed, created on first use. A feed's segment size never changes. The followers that were not
 * used for the longest time are forgotten: turns that hold one go on with it, and a new one reads the same pages.
 */
export function createFollowers(
  pages: Pick<PageReader, "read">,
  clock: Clock,
  advances?: FeedAdvances,
  kept = KEPT_FOLLOWERS,
): (feed: string, segmentSize: number) => Follower {
  // A Map keeps insertion order, and each use re-inserts, so the first entry is the least recently used one.
  const followers = new Map<string, Follower>();
  return (feed, segmentSize) => {
    const follower = followers.get(feed) ?? new Follower(feed, segmentSize, pages, clock, advances);
    followers.delete(feed);
    followers.set(feed, follower);
    const [oldest] = followers.keys();
    if (followers.size > kept && oldest !== undefined) followers.delete(oldest);
    return follower;
  };
}
