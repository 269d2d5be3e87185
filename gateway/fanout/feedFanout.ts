import { setImmediate as yieldToOthers } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { FilterBusyError } from "../../shared/errors.ts";
import { lastOf, type Page } from "../../shared/queue/page.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { FeedSource } from "./feedSource.ts";
import type { Reader } from "./reader.ts";
import type { JudgedView, View } from "./view.ts";
import { judgedBytes, type Slice, viewBytes } from "./viewBytes.ts";

/** Bytes of pages that readers behind the tail share. */
const CACHE_BYTES = 16 * 1024 * 1024;

/** After this many ticks without a message, the feed is read at every fourth tick only. */
const BUSY_TICKS = 40;
const IDLE_STEP = 4;

/** So many pages at once mean that the feed is ahead of this process. */
const MANY_PAGES = 20;

const RETRY_MILLIS = 1_000;

export interface FeedFanoutParts {
  readonly feed: string;
  readonly source: FeedSource;
  /** The number after the last message when the source was opened. */
  readonly next: Sequence;
  readonly clock: Clock;
  readonly log: Log;
  /** Sees every page once, before the readers do. */
  readonly observe: (page: Page) => void;
}

/**
 * Follows one feed for all its connections in this process: one read for each new page, and one rendering for each
 * distinct view of it. Each connection is a position.
 *
 * | a reader             | gets                                                     | becomes                        |
 * |----------------------|----------------------------------------------------------|--------------------------------|
 * | at the tail, ready   | each new page's bytes, shared with those of the same view | not ready when its socket is full |
 * | not ready            | nothing; its position stays                               | behind, as the feed goes on    |
 * | behind, ready        | page after page from the queue, by a walk of its own      | at the tail                    |
 *
 * So a slow reader costs a position and at most one page, and delays no other: nobody waits for its socket.
 */
export class FeedFanout {
  readonly #parts: FeedFanoutParts;
  readonly #readers = new Set<Reader>();
  readonly #walking = new Set<Reader>();
  readonly #rendered = new LRUCache<string, readonly Slice[]>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (slices) => 256 + slices.reduce((sum, { bytes }) => sum + bytes.length, 0),
  });
  /** Pages that are being judged now, for all readers that wait for them. */
  readonly #judging = new Map<string, Promise<readonly Slice[]>>();
  readonly #stopping = new AbortController();
  readonly #following: Promise<void>;
  /** The number after the last message that was published here. */
  #next: Sequence;

  constructor(parts: FeedFanoutParts) {
    this.#parts = parts;
    this.#next = parts.next;
    this.#following = this.#follow();
  }

  get readers(): number {
    return this.#readers.size;
  }

  add(reader: Reader): void {
    this.#readers.add(reader);
    this.resume(reader);
  }

  remove(reader: Reader): void {
    this.#readers.delete(reader);
  }

  /** The reader is ready again. If the feed went on meanwhile, it reads on from the queue. */
  resume(reader: Reader): void {
    if (this.#isBehind(reader) && !this.#walking.has(reader)) void this.#walk(reader);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  #isBehind(reader: Reader): boolean {
    return this.#readers.has(reader) && reader.isReady && reader.next < this.#next;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    let idleTicks = 0;
    while (!signal.aborted) {
      const pages = await this.#readNew();
      if (signal.aborted) return;
      if (pages.length > 0) {
        this.#publish(pages);
        idleTicks = 0;
      }
      // A full answer: there is probably more.
      if (pages.length >= MANY_PAGES) continue;
      const steps = idleTicks++ < BUSY_TICKS ? 1 : IDLE_STEP;
      for (let step = 0; step < steps && !signal.aborted; step += 1)
        await this.#parts.source.nextTick(signal);
    }
  }

  async #readNew(): Promise<readonly Page[]> {
    try {
      return await this.#parts.source.readNew(this.#next);
    } catch (error) {
      this.#parts.log.error("a feed could not be read; the gateway tries again", {
        feed: this.#parts.feed,
        next: this.#next,
        error,
      });
      await this.#parts.clock.sleep(RETRY_MILLIS, this.#stopping.signal);
      return [];
    }
  }

  /** Gives new pages to the readers that stand at the tail. */
  #publish(pages: readonly Page[]): void {
    const last = pages.at(-1);
    if (last === undefined) return;
    for (const page of pages) this.#observe(page);
    const first = this.#next;
    const next = lastOf(last) + 1;
    this.#next = next;
    const isWhole = pages[0]?.first === first;
    const shared = new Map<View["key"], readonly Slice[]>();
    const judged = new Map<View["key"], { readonly view: JudgedView; readonly readers: Reader[] }>();
    for (const reader of this.#readers) {
      if (!reader.isReady) continue;
      // One that stands elsewhere is on its walk, or must see the gap before these pages.
      if (!isWhole || reader.next !== first) {
        this.resume(reader);
        continue;
      }
      const { view } = reader;
      if (view.kind === "judged") {
        const group = judged.get(view.key) ?? { view, readers: [] };
        judged.set(view.key, group);
        if (!this.#walking.has(reader)) group.readers.push(reader);
        continue;
      }
      let slices = shared.get(view.key);
      if (slices === undefined) {
        slices = viewBytes(pages, first, view);
        shared.set(view.key, slices);
      }
      reader.take(slices, next);
    }
    for (const { view, readers } of judged.values())
      void this.#publishJudged(pages, first, next, view, readers);
  }

  /**
   * Gives new pages to readers whose filters may take long. Until the pages are judged, the readers count as walking. If
   * the feed goes on meanwhile, they read on from the queue.
   */
  async #publishJudged(
    pages: readonly Page[],
    first: Sequence,
    next: Sequence,
    view: JudgedView,
    readers: readonly Reader[],
  ): Promise<void> {
    for (const reader of readers) this.#walking.add(reader);
    let result: { readonly slices: readonly Slice[] } | { readonly error: unknown };
    try {
      result = { slices: await judgedBytes(pages, first, view) };
    } catch (error) {
      result = { error };
    }
    for (const reader of readers) {
      this.#walking.delete(reader);
      const isSame = reader.next === first && reader.view.key === view.key;
      if ("slices" in result) {
        if (isSame && this.#isBehind(reader)) reader.take(result.slices, next);
      } else if (isSame && !(result.error instanceof FilterBusyError)) reader.fail(result.error);
      this.resume(reader);
    }
  }

  #observe(page: Page): void {
    try {
      this.#parts.observe(page);
    } catch (error) {
      this.#parts.log.error("a page could not be taken into the tracked state", {
        feed: this.#parts.feed,
        first: page.first,
        error,
      });
    }
  }

  async #walk(reader: Reader): Promise<void> {
    this.#walking.add(reader);
    try {
      while (this.#isBehind(reader)) {
        const found = await this.#parts.source.readOld(reader.next, this.#next);
        if (!this.#isBehind(reader)) break;
        if ("gap" in found) reader.skip(found.gap);
        else await this.#give(reader, found.pages);
        await yieldToOthers();
      }
    } catch (error) {
      reader.fail(error);
    } finally {
      this.#walking.delete(reader);
    }
    this.resume(reader);
  }

  async #give(reader: Reader, pages: readonly Page[]): Promise<void> {
    for (const page of pages) {
      if (!this.#isBehind(reader)) return;
      const { next, view } = reader;
      const slices = await this.#bytesOf(page, next, view);
      // While a page was judged, the reader may have been moved, filled or given other filters.
      if (reader.next !== next || reader.view !== view || !this.#isBehind(reader)) return;
      reader.take(slices, lastOf(page) + 1);
    }
  }

  async #bytesOf(page: Page, next: Sequence, view: View): Promise<readonly Slice[]> {
    const key = `${page.first} ${view.key}`;
    const isWhole = next <= page.first;
    const known = isWhole ? this.#rendered.get(key) : undefined;
    if (known !== undefined) return known;
    const slices =
      view.kind === "plain" ? viewBytes([page], next, view) : await this.#judged(page, next, view);
    if (isWhole) this.#rendered.set(key, slices);
    return slices;
  }

  /** One judgement for all readers that stand at the same place with the same filters. */
  async #judged(page: Page, next: Sequence, view: JudgedView): Promise<readonly Slice[]> {
    const key = `${page.first} ${next} ${view.key}`;
    const running = this.#judging.get(key) ?? this.#untilNotBusy(() => judgedBytes([page], next, view));
    this.#judging.set(key, running);
    try {
      return await running;
    } finally {
      this.#judging.delete(key);
    }
  }

  /** Slow filters wait for their share of the process. */
  async #untilNotBusy<T>(judge: () => Promise<T>): Promise<T> {
    for (;;)
      try {
        return await judge();
      } catch (error) {
        if (!(error instanceof FilterBusyError) || this.#stopping.signal.aborted) throw error;
        await this.#parts.clock.sleep(RETRY_MILLIS, this.#stopping.signal);
      }
  }
}
