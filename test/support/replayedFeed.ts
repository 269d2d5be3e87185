import type { Message } from "../../shared/queue/message.ts";
import { lastOf, type StoredPage } from "../../shared/queue/page.ts";
import { type EncodedPage, encodePage } from "../../shared/queue/pageCodec.ts";
import { PageReader, type PageSource } from "../../shared/queue/pageReader.ts";
import { type Segment, type Sequence, segmentOf } from "../../shared/queue/sequence.ts";
import type { FeedHead, TailSource } from "../../shared/queue/tail.ts";

const PAGE_MESSAGES = 50;
const SEGMENT_SIZE = 5_000;
const PAGES_PER_READ = 25;

/** One feed that repeats a recording for as long as one likes, in memory that does not grow: its pages are made on demand. */
export class ReplayedFeed implements PageSource, TailSource {
  readonly #feed: string;
  readonly #bodies: readonly EncodedPage[];
  readonly #textBytes: readonly number[];
  readonly pageMessages = PAGE_MESSAGES;
  #pages = 0;

  /** @param messages those of the recording; an incomplete last page is left out */
  constructor(feed: string, messages: readonly Message[]) {
    this.#feed = feed;
    const pages = Array.from({ length: Math.floor(messages.length / PAGE_MESSAGES) }, (_, page) =>
      messages.slice(page * PAGE_MESSAGES, (page + 1) * PAGE_MESSAGES),
    );
    this.#bodies = pages.map(encodePage);
    this.#textBytes = pages.map((page) =>
      page.reduce((sum, { ami }) => sum + Buffer.byteLength(ami?.text ?? ""), 0),
    );
  }

  /** The AMI text of so many pages from the beginning. */
  textBytes(pages: number): number {
    const bytesOf = (count: number) => this.#textBytes.slice(0, count).reduce((sum, bytes) => sum + bytes, 0);
    const { length } = this.#textBytes;
    return Math.floor(pages / length) * bytesOf(length) + bytesOf(pages % length);
  }

  next(): Sequence {
    return this.#pages * PAGE_MESSAGES + 1;
  }

  appendPage(): void {
    this.#pages += 1;
  }

  reader(): PageReader {
    return new PageReader(this);
  }

  async readPagesFrom(_feed: string, segment: Segment, sequence: Sequence): Promise<StoredPage[]> {
    const index = Math.ceil((sequence - 1) / PAGE_MESSAGES);
    return Array.from({ length: PAGES_PER_READ }, (_, offset) => this.#page(index + offset) ?? [])
      .flat()
      .filter(({ first }) => segmentOf(first, SEGMENT_SIZE) === segment);
  }

  async readPageBefore(_feed: string, segment: Segment, sequence: Sequence): Promise<StoredPage | undefined> {
    const page = this.#page(Math.floor((sequence - 1) / PAGE_MESSAGES));
    return page !== undefined && segmentOf(page.first, SEGMENT_SIZE) === segment ? page : undefined;
  }

  async readHead(feed: string): Promise<FeedHead | undefined> {
    if (feed !== this.#feed) return undefined;
    return { feed, segmentSize: SEGMENT_SIZE, headSegment: 0, tailHint: this.next() - 1, clearedSegment: 0 };
  }

  async readLastPage(_feed: string, segment: Segment): Promise<StoredPage | undefined> {
    const page = this.#page(this.#pages - 1);
    return page !== undefined && segmentOf(lastOf(page), SEGMENT_SIZE) === segment ? page : undefined;
  }

  #page(index: number): StoredPage | undefined {
    const body = this.#bodies[index % this.#bodies.length];
    if (body === undefined || index < 0 || index >= this.#pages) return undefined;
    const first = index * PAGE_MESSAGES + 1;
    const appendedAtEpochMillis = Date.now();
    return { ...body, first, appendedAtEpochMillis, appendId: String(first), runs: [], producers: [] };
  }
}
