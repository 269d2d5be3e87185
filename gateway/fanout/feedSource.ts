import { Follower } from "../../shared/queue/follower.ts";
import { lastOf, type Page } from "../../shared/queue/page.ts";
import type { PageReader } from "../../shared/queue/pageReader.ts";
import { lastOfSegment, type Sequence, segmentOf } from "../../shared/queue/sequence.ts";
import { firstHeld, readTail, type TailSource } from "../../shared/queue/tail.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { CursorGap } from "../../shared/sessions/cursor.ts";

/** The queue as the gateway reads it. */
export interface QueueParts {
  readonly pages: Pick<PageReader, "read">;
  readonly tails: TailSource;
  readonly clock: Clock;
  /** A reader that lags more than this is moved forward. */
  readonly retention: { readonly millis: number; readonly messages: number };
}

/** What stands at a position: pages, the first of which holds it, or a gap before the next message that is held. */
export type Found = { readonly pages: readonly Page[] } | { readonly gap: CursorGap };

/** One feed's pages, with the retention applied. */
export class FeedSource {
  readonly #feed: string;
  readonly #parts: QueueParts;
  readonly #segmentSize: number;
  readonly #follower: Follower;

  private constructor(feed: string, parts: QueueParts, segmentSize: number) {
    this.#feed = feed;
    this.#parts = parts;
    this.#segmentSize = segmentSize;
    this.#follower = new Follower(feed, segmentSize, parts.pages, parts.clock);
  }

  /** Undefined when the feed does not exist. */
  static async open(
    feed: string,
    parts: QueueParts,
  ): Promise<{ source: FeedSource; next: Sequence; held: Sequence } | undefined> {
    const tail = await readTail(parts.tails, feed, () => parts.clock.nowEpochMillis());
    if (tail === undefined) return undefined;
    const source = new FeedSource(feed, parts, tail.segmentSize);
    return { source, next: tail.next, held: firstHeld(tail) };
  }

  /** Pages from `next` on; empty when nothing was appended there yet. */
  async readNew(next: Sequence): Promise<readonly Page[]> {
    return this.#follower.readThrough(next);
  }

  /** Resolves at the next tick, which all feeds share. */
  async nextTick(signal: AbortSignal): Promise<void> {
    // Nobody tells this follower of advances.
    await this.#follower.nextTick(0, signal);
  }

  /**
   * What a reader at `next` gets, when the feed's tail is known to be beyond it.
   * @param tailNext the number after the last message
   */
  async readOld(next: Sequence, tailNext: Sequence): Promise<Found> {
    const { millis, messages } = this.#parts.retention;
    if (tailNext - next > messages) return gapOf(next, tailNext - messages, "retention");
    const pages = await this.#follower.readThrough(next);
    const [first] = pages;
    if (first === undefined) return this.#missing(next, tailNext);
    if (first.first > next) return gapOf(next, first.first, "expired");
    const oldestEpochMillis = this.#parts.clock.nowEpochMillis() - millis;
    const old = pages.findLast(({ appendedAtEpochMillis }) => appendedAtEpochMillis < oldestEpochMillis);
    return old === undefined ? { pages } : gapOf(next, lastOf(old) + 1, "retention");
  }

  /** Nothing is stored at `next` although the feed went on: it was freed, or it has expired. */
  async #missing(next: Sequence, tailNext: Sequence): Promise<Found> {
    const head = await this.#parts.tails.readHead(this.#feed);
    const held = head === undefined ? next : firstHeld(head);
    if (held > next) return gapOf(next, Math.min(held, tailNext), "retention");
    const segmentEnd = lastOfSegment(segmentOf(next, this.#segmentSize), this.#segmentSize) + 1;
    return gapOf(next, Math.min(segmentEnd, tailNext), "expired");
  }
}

function gapOf(first: Sequence, next: Sequence, reason: CursorGap["reason"]): Found {
  return { gap: { first, last: next - 1, reason } };
}
