import type { AppendParts, AppendStore, PutResult } from "../../../functions/ingest/append.ts";
import type { NotifyHint } from "../../../shared/queue/hints.ts";
import { lastOf, type StoredPage } from "../../../shared/queue/page.ts";
import { decodePage } from "../../../shared/queue/pageCodec.ts";
import type { ProducerArchive } from "../../../shared/queue/producerArchive.ts";
import { segmentOf } from "../../../shared/queue/sequence.ts";
import type { FeedHead, LastPage } from "../../../shared/queue/tail.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { RecordedMetrics } from "../../support/recordedMetrics.ts";

/** A clock that only a test moves. */
export class ManualClock {
  now = 1_700_000_000_000;

  nowEpochMillis(): number {
    return this.now;
  }

  async sleep(millis: number): Promise<void> {
    this.now += millis;
  }
}

/** The Queue table as ingest sees it, in memory. It counts every call. */
export class MemoryQueue implements AppendStore {
  readonly heads = new Map<string, FeedHead>();
  readonly pages = new Map<string, StoredPage>();
  readonly archives = new Map<string, ProducerArchive>();
  readonly calls = {
    readHead: 0,
    readLastPage: 0,
    putPage: 0,
    readPageAt: 0,
    readPageBefore: 0,
    readArchives: 0,
    putArchive: 0,
  };
  /** Runs before each put. If it throws, the put fails. */
  beforePut: (page: StoredPage, signal: AbortSignal) => void | Promise<void> = () => {};
  /** Runs after each successful put. If it throws, the put's response is lost. */
  afterPut: (page: StoredPage) => void = () => {};

  async createFeed(feed: string, segmentSize: number): Promise<void> {
    if (this.heads.has(feed)) return;
    this.heads.set(feed, { feed, segmentSize, headSegment: 0, tailHint: 0, clearedSegment: 0 });
  }

  async readHead(feed: string): Promise<FeedHead | undefined> {
    this.calls.readHead += 1;
    return this.heads.get(feed);
  }

  async readLastPage(feed: string, segment: number): Promise<LastPage | undefined> {
    this.calls.readLastPage += 1;
    const size = this.heads.get(feed)?.segmentSize ?? 1;
    return this.pagesOf(feed).findLast(({ first }) => segmentOf(first, size) === segment);
  }

  async readPageAt(feed: string, _segment: number, first: number): Promise<StoredPage | undefined> {
    this.calls.readPageAt += 1;
    return this.pages.get(`${feed}#${first}`);
  }

  async readPageBefore(feed: string, segment: number, sequence: number): Promise<StoredPage | undefined> {
    this.calls.readPageBefore += 1;
    const size = this.heads.get(feed)?.segmentSize ?? 1;
    return this.pagesOf(feed).findLast(
      ({ first }) => segmentOf(first, size) === segment && first <= sequence,
    );
  }

  async putPage(
    feed: string,
    segment: number,
    page: StoredPage,
    options: { expiresAtEpochSeconds: number; signal: AbortSignal },
  ): Promise<PutResult> {
    this.calls.putPage += 1;
    await this.beforePut(page, options.signal);
    const size = this.heads.get(feed)?.segmentSize ?? 1;
    if (segmentOf(page.first, size) !== segment || segmentOf(lastOf(page), size) !== segment)
      throw new Error(`the page at ${page.first} is not within segment ${segment}`);
    const key = `${feed}#${page.first}`;
    const winner = this.pages.get(key);
    if (winner) return { written: false, winner };
    this.pages.set(key, page);
    this.afterPut(page);
    return { written: true };
  }

  async readArchives(feed: string): Promise<ProducerArchive[]> {
    this.calls.readArchives += 1;
    return [...this.archives].filter(([key]) => key.startsWith(`${feed}#`)).map(([, archive]) => archive);
  }

  async putArchive(feed: string, archive: ProducerArchive): Promise<boolean> {
    this.calls.putArchive += 1;
    const key = `${feed}#${archive.key}`;
    if ((this.archives.get(key)?.version ?? 0) !== archive.version - 1) return false;
    this.archives.set(key, archive);
    return true;
  }

  pagesOf(feed: string): StoredPage[] {
    return [...this.pages]
      .filter(([key]) => key.startsWith(`${feed}#`))
      .map(([, page]) => page)
      .sort((a, b) => a.first - b.first);
  }

  /** The events by sequence number. Throws when the feed has a hole or a duplicate. */
  eventsOf(feed: string): { sequence: number; event: Record<string, unknown> }[] {
    let next = 1;
    return this.pagesOf(feed).flatMap((stored) => {
      if (stored.first !== next) throw new Error(`expected a page at ${next}, found one at ${stored.first}`);
      next += stored.count;
      return decodePage(feed, stored).messages.map(({ text }, index) => ({
        sequence: stored.first + index,
        event: JSON.parse(text).event,
      }));
    });
  }
}

/** A log that keeps its entries for the test. */
function recordedLog(): Log & { readonly entries: { message: string; facts: unknown }[] } {
  const entries: { message: string; facts: unknown }[] = [];
  const record = (message: string, facts: unknown) => void entries.push({ message, facts });
  return { entries, info: record, warn: record, error: record };
}

export function appendParts(
  store: AppendStore,
  clock: ManualClock,
  settings: Partial<AppendParts["settings"]> = {},
) {
  const hints: NotifyHint[] = [];
  const log = recordedLog();
  let appendIds = 0;
  return {
    store,
    clock,
    log,
    metrics: new RecordedMetrics(),
    hints,
    sendNotify: async (hint: NotifyHint) => void hints.push(hint),
    random: () => 0,
    newAppendId: () => {
      appendIds += 1;
      return `append-${appendIds}`;
    },
    settings: {
      segmentSize: 10,
      tailCacheMillis: 10_000,
      appendTimeoutMillis: 20_000,
      pageTtlMillis: 1_000_000,
      ...settings,
    },
  } satisfies AppendParts & { hints: NotifyHint[] };
}
