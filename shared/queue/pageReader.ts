import { LRUCache } from "lru-cache";
import { PageUnreadableError } from "../errors.ts";
import { lastOf, type Page, type StoredPage } from "./page.ts";
import { decodePage } from "./pageCodec.ts";
import { type Segment, type Sequence, segmentOf } from "./sequence.ts";

/** Strongly consistent reads of one segment's pages. */
export interface PageSource {
  /** The next few pages (`PAGES_PER_READ`) that begin at `sequence` or later, in order. */
  readPagesFrom(feed: string, segment: Segment, sequence: Sequence): Promise<StoredPage[]>;
  /** The last page that begins at `sequence` or before it. */
  readPageBefore(feed: string, segment: Segment, sequence: Sequence): Promise<StoredPage | undefined>;
}

interface CachedPage {
  readonly feed: string;
  readonly page: Page;
}

/** A few hundred pages, about what the sessions of one process read at the same time. */
const CACHE_BYTES = 16 * 1024 * 1024;

/** Without this limit, a session that lags far behind would walk through the whole cache for each of its batches. */
const PAGES_PER_ANSWER = 25;

/**
 * Reads pages for many sessions. A page is read and unpacked once while it is in the cache, and sessions that want the
 * same page at the same time share one request.
 *
 * Pages are immutable, so the cache is never wrong. A *missing* page is never cached, and never taken from a request
 * that began before the caller asked: a session that has just parked would miss a page that was appended between that
 * request and its parking.
 */
export class PageReader {
  readonly #source: PageSource;
  readonly #cache: LRUCache<string, CachedPage>;
  /** Per feed, the first numbers of its cached pages, ascending. */
  readonly #firsts = new Map<string, number[]>();
  readonly #inFlight = new Map<string, Promise<Page[]>>();

  constructor(source: PageSource, maxBytes = CACHE_BYTES) {
    this.#source = source;
    const maxSize = Math.max(1, Math.floor(maxBytes));
    this.#cache = new LRUCache({
      maxSize,
      // A page larger than the whole cache is still cached, alone. Otherwise each session would read it again.
      sizeCalculation: ({ page }) => Math.min(Math.max(1, page.textBytes), maxSize),
      dispose: ({ feed, page }) => this.#forget(feed, page.first),
    });
  }

  /**
   * Consecutive pages from the one that holds `next`, all in one segment. Empty when nothing was appended at `next`
   * yet. If the first page begins after `next`, the pages between have expired. They end before a page that cannot be read.
   * @throws PageUnreadableError when the first page cannot be read
   */
  async read(feed: string, segmentSize: number, next: Sequence): Promise<Page[]> {
    const cached = this.#cachedFrom(feed, next, segmentSize);
    if (cached.length > 0) return cached;
    const key = `${feed}#${next}`;
    const running = this.#inFlight.get(key);
    if (running) {
      const pages = await running;
      if (pages.length > 0) return pages;
      // The callers that waited here share the next request, which begins after all of them asked.
      const following = this.#inFlight.get(key);
      if (following) return following;
    }
    const reading = this.#load(feed, segmentOf(next, segmentSize), segmentSize, next).finally(() =>
      this.#inFlight.delete(key),
    );
    this.#inFlight.set(key, reading);
    return reading;
  }

  async #load(feed: string, segment: Segment, segmentSize: number, next: Sequence): Promise<Page[]> {
    const stored = await this.#source.readPagesFrom(feed, segment, next);
    if (stored[0]?.first !== next && !this.#isPageBorder(feed, segmentSize, next)) {
      const before = await this.#source.readPageBefore(feed, segment, next);
      if (before && lastOf(before) >= next) stored.unshift(before);
    }
    const pages = decodeReadable(feed, stored);
    for (const page of pages) this.#keep(feed, page);
    return consecutive(pages);
  }

  /** Whether `next` is known to begin a page, so that no earlier page can hold it. */
  #isPageBorder(feed: string, segmentSize: number, next: Sequence): boolean {
    if ((next - 1) % segmentSize === 0) return true;
    const before = this.#find(feed, next - 1);
    return before !== undefined && lastOf(before) === next - 1;
  }

  #cachedFrom(feed: string, next: Sequence, segmentSize: number): Page[] {
    const pages: Page[] = [];
    let page = this.#find(feed, next);
    const segment = segmentOf(next, segmentSize);
    while (
      page !== undefined &&
      pages.length < PAGES_PER_ANSWER &&
      segmentOf(page.first, segmentSize) === segment
    ) {
      pages.push(page);
      // Only a read counts as a use; a lookup does not.
      this.#cache.get(cacheKey(feed, page.first));
      page = this.#cache.peek(cacheKey(feed, lastOf(page) + 1))?.page;
    }
    return pages;
  }

  #find(feed: string, sequence: Sequence): Page | undefined {
    const firsts = this.#firsts.get(feed);
    if (firsts === undefined) return undefined;
    const first = firsts[countUpTo(firsts, sequence) - 1];
    const page = first === undefined ? undefined : this.#cache.peek(cacheKey(feed, first))?.page;
    return page !== undefined && lastOf(page) >= sequence ? page : undefined;
  }

  #keep(feed: string, page: Page): void {
    const key = cacheKey(feed, page.first);
    if (this.#cache.has(key)) return;
    this.#cache.set(key, { feed, page });
    const firsts = this.#firsts.get(feed) ?? [];
    firsts.splice(countUpTo(firsts, page.first), 0, page.first);
    this.#firsts.set(feed, firsts);
  }

  #forget(feed: string, first: Sequence): void {
    const firsts = this.#firsts.get(feed) ?? [];
    firsts.splice(countUpTo(firsts, first) - 1, 1);
    if (firsts.length === 0) this.#firsts.delete(feed);
  }
}

/** Whoever stands before a page that cannot be read gets what comes before it, whatever is read with one request. */
function decodeReadable(feed: string, stored: readonly StoredPage[]): Page[] {
  const pages: Page[] = [];
  for (const page of stored) {
    try {
      pages.push(decodePage(feed, page));
    } catch (error) {
      if (error instanceof PageUnreadableError && pages.length > 0) return pages;
      throw error;
    }
  }
  return pages;
}

function cacheKey(feed: string, first: Sequence): string {
  return `${feed}#${first}`;
}

/** The count of numbers that are at most `limit`. */
function countUpTo(ascending: readonly number[], limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? Number.POSITIVE_INFINITY) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The pages up to the first hole. */
function consecutive(pages: readonly Page[]): Page[] {
  const hole = pages.findIndex((page, index) => {
    const before = pages[index - 1];
    return before !== undefined && page.first !== lastOf(before) + 1;
  });
  return hole < 0 ? [...pages] : pages.slice(0, hole);
}
