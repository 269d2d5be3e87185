import { LRUCache } from "lru-cache";
import type { Clock } from "../runtime/clock.ts";
import { lastOf, PAGES_PER_READ, type StoredPage } from "./page.ts";
import type { PageSource } from "./pageReader.ts";
import type { Segment, Sequence } from "./sequence.ts";

/** The feeds whose last advance is remembered. */
const KEPT_FEEDS = 1_000;

/** Followers at the end of a queue read a page within milliseconds. */
const KEPT_PAGE_BYTES = 4 * 1024 * 1024;

/** Memory of a page beside its body: names, most of all. */
const PAGE_BYTES = 2 * 1024;

/**
 * Tells the followers of a process that a feed has advanced, where ingest runs in the same process, and hands them the page. It
 * is only a hint: a follower reads the queue to learn what is new, and reads without a hint as well, later.
 */
export class FeedAdvances {
  readonly #clock: Clock;
  /** Advances of all feeds so far. */
  #count = 0;
  /** By feed, the count at its last advance. The one that advanced last is the last entry. */
  readonly #lastOf = new Map<string, number>();
  /** The highest count that was forgotten. */
  #forgotten = 0;
  /** By feed, what aborts at its next advance, while somebody waits for it. */
  readonly #nextOf = new Map<string, { readonly advance: AbortController; waiting: number }>();
  readonly #onTurnEnded: ((feed: string) => void)[] = [];
  readonly #pages = new LRUCache<string, { readonly segment: Segment; readonly page: StoredPage }>({
    maxSize: KEPT_PAGE_BYTES,
    sizeCalculation: ({ page }) => page.body.length + PAGE_BYTES,
  });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param page as it was written */
  advanced(feed: string, segment: Segment, page: StoredPage): void {
    // The rest of a page is for those who append.
    const read = { ...page, runs: [], producers: [], callMemory: undefined };
    this.#pages.set(keyOf(feed, page.first), { segment, page: read });
    this.#count += 1;
    this.#lastOf.delete(feed);
    this.#lastOf.set(feed, this.#count);
    const [oldest] = this.#lastOf;
    if (this.#lastOf.size > KEPT_FEEDS && oldest !== undefined) {
      this.#lastOf.delete(oldest[0]);
      this.#forgotten = oldest[1];
    }
    const next = this.#nextOf.get(feed);
    this.#nextOf.delete(feed);
    // A reason of our own: the default one is an exception with a stack.
    next?.advance.abort("advanced");
  }

  /** The other way: a follower's turn has ended, so that ingest knows that the next page finds no one awake. */
  turnEnded(feed: string): void {
    for (const listener of this.#onTurnEnded) listener(feed);
  }

  onTurnEnded(listener: (feed: string) => void): void {
    this.#onTurnEnded.push(listener);
  }

  /** To be taken before a read: `next` then knows which advances that read may have missed. */
  mark(): number {
    return this.#count;
  }

  /** Resolves when the feed has advanced since the mark, after `mostMillis` at the latest, and earlier once a signal aborts. */
  async next(
    feed: string,
    mark: number,
    mostMillis: number,
    ...signals: readonly AbortSignal[]
  ): Promise<void> {
    if ((this.#lastOf.get(feed) ?? this.#forgotten) > mark) return;
    const next = this.#nextOf.get(feed) ?? { advance: new AbortController(), waiting: 0 };
    this.#nextOf.set(feed, next);
    next.waiting += 1;
    await this.#clock.sleep(mostMillis, next.advance.signal, ...signals);
    next.waiting -= 1;
    if (next.waiting === 0 && this.#nextOf.get(feed) === next) this.#nextOf.delete(feed);
  }

  /** The pages that were told, and from `source` those that were not. A page is immutable, so both are the same. */
  before(source: PageSource): PageSource {
    return {
      readPagesFrom: async (feed, segment, sequence) => {
        const told = this.#toldFrom(feed, segment, sequence);
        return told.length > 0 ? told : source.readPagesFrom(feed, segment, sequence);
      },
      readPageBefore: (feed, segment, sequence) => source.readPageBefore(feed, segment, sequence),
    };
  }

  #toldFrom(feed: string, segment: Segment, sequence: Sequence): StoredPage[] {
    const pages: StoredPage[] = [];
    for (let first = sequence; pages.length < PAGES_PER_READ; ) {
      const told = this.#pages.get(keyOf(feed, first));
      if (told?.segment !== segment) break;
      pages.push(told.page);
      first = lastOf(told.page) + 1;
    }
    return pages;
  }
}

function keyOf(feed: string, first: Sequence): string {
  return `${feed}#${first}`;
}
