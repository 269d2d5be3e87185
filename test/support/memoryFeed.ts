import type { AmiMessage } from "../../shared/ami/amiMessage.ts";
import { type Message, renderAmiOnly } from "../../shared/queue/message.ts";
import { lastOf, type StoredPage } from "../../shared/queue/page.ts";
import { encodePage } from "../../shared/queue/pageCodec.ts";
import { PageReader, type PageSource } from "../../shared/queue/pageReader.ts";
import { type Segment, type Sequence, segmentOf } from "../../shared/queue/sequence.ts";
import type { FeedHead, TailSource } from "../../shared/queue/tail.ts";

/** The pages of some feeds in memory, as the Queue table has them. */
export class MemoryFeeds implements PageSource, TailSource {
  readonly segmentSize: number;
  readonly #pages = new Map<string, StoredPage[]>();
  readonly #heads = new Map<string, FeedHead>();
  /** Reads of pages that the cache did not have. */
  pageReads = 0;
  /** Pages that these reads gave. */
  pagesGiven = 0;
  nowEpochMillis: () => number = () => Date.now();

  constructor(segmentSize = 5000) {
    this.segmentSize = segmentSize;
  }

  create(feed: string): void {
    const { segmentSize } = this;
    this.#heads.set(feed, { feed, segmentSize, headSegment: 0, tailHint: 0, clearedSegment: 0 });
    this.#pages.set(feed, []);
  }

  /** The number of the next message. */
  next(feed: string): Sequence {
    const last = this.#of(feed).at(-1);
    return last === undefined ? 1 : lastOf(last) + 1;
  }

  /** Appends one page. It must not cross a segment's border. */
  append(feed: string, messages: readonly Message[]): Sequence {
    const first = this.next(feed);
    const stored = {
      ...encodePage(messages),
      first,
      appendedAtEpochMillis: this.nowEpochMillis(),
      appendId: String(first),
      runs: [],
      producers: [],
    };
    this.#of(feed).push(stored);
    return lastOf(stored);
  }

  appendAmi(feed: string, events: readonly AmiMessage[]): Sequence {
    return this.append(
      feed,
      events.map((ami) => renderAmiOnly(ami, new Date(this.nowEpochMillis()).toISOString())),
    );
  }

  /** Deletes all pages of the segments below this one. */
  free(feed: string, segment: Segment): void {
    const head = this.#heads.get(feed);
    if (head === undefined) throw new Error(`no feed ${feed}`);
    this.#heads.set(feed, {
      ...head,
      headSegment: segment,
      clearedSegment: segment,
      tailHint: this.next(feed) - 1,
    });
    const kept = this.#of(feed).filter(({ first }) => segmentOf(first, this.segmentSize) >= segment);
    this.#pages.set(feed, kept);
  }

  reader(maxBytes?: number): PageReader {
    return new PageReader(this, maxBytes);
  }

  async readPagesFrom(feed: string, segment: Segment, sequence: Sequence): Promise<StoredPage[]> {
    this.pageReads += 1;
    const pages = this.#inSegment(feed, segment)
      .filter(({ first }) => first >= sequence)
      .slice(0, 25);
    this.pagesGiven += pages.length;
    return pages;
  }

  async readPageBefore(feed: string, segment: Segment, sequence: Sequence): Promise<StoredPage | undefined> {
    return this.#inSegment(feed, segment).findLast(({ first }) => first <= sequence);
  }

  async readHead(feed: string): Promise<FeedHead | undefined> {
    return this.#heads.get(feed);
  }

  async readLastPage(feed: string, segment: Segment): Promise<StoredPage | undefined> {
    return this.#inSegment(feed, segment).at(-1);
  }

  #inSegment(feed: string, segment: Segment): StoredPage[] {
    return this.#of(feed).filter(({ first }) => segmentOf(first, this.segmentSize) === segment);
  }

  #of(feed: string): StoredPage[] {
    return this.#pages.get(feed) ?? [];
  }
}
