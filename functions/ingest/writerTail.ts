import { LRUCache } from "lru-cache";
import { type CallMemoryState, EMPTY_CALL_MEMORY } from "../../shared/ami/callMemory.ts";
import { RelayError } from "../../shared/errors.ts";
import { unpackCallMemory } from "../../shared/queue/callMemoryCodec.ts";
import type { ProducerTrail } from "../../shared/queue/producers.ts";
import { readTail, type Tail, type TailSource } from "../../shared/queue/tail.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Settings } from "../../shared/runtime/settings.ts";

/** A feed's tail with the state that a writer needs to append to it. */
export interface WriterTail extends Tail {
  readonly producers: readonly ProducerTrail[];
  /** Trails that the pages have dropped, where they were needed (`recall`). */
  readonly archived: ReadonlyMap<string, ProducerTrail>;
  readonly callMemory: CallMemoryState;
}

const NOTHING_ARCHIVED: ReadonlyMap<string, ProducerTrail> = new Map();

/** The positions of a producer, as far as they are known. */
export function trailOf({ producers, archived }: WriterTail, id: string): ProducerTrail | undefined {
  return producers.find((trail) => trail.id === id) ?? archived.get(id);
}

export interface TailStore extends TailSource {
  createFeed(feed: string, segmentSize: number): Promise<void>;
}

export interface WriterTailParts {
  readonly store: TailStore;
  readonly clock: Clock;
  readonly settings: Pick<Settings, "segmentSize" | "tailCacheMillis">;
}

/** Feeds whose tails one writer caches. */
const CACHED_FEEDS = 1000;

/** The cached tails of the feeds that this process writes to. */
export class WriterTails {
  readonly #parts: WriterTailParts;
  readonly #known = new LRUCache<string, WriterTail>({ max: CACHED_FEEDS });

  constructor(parts: WriterTailParts) {
    this.#parts = parts;
  }

  /** The cached tail, however old. Reads the tail when none is cached. */
  async of(feed: string): Promise<WriterTail> {
    return this.#known.get(feed) ?? this.read(feed);
  }

  /** Reads the tail. Creates the feed if it does not exist. */
  async read(feed: string): Promise<WriterTail> {
    const { store, clock, settings } = this.#parts;
    const find = () => readTail(store, feed, () => clock.nowEpochMillis());
    let found = await find();
    if (found === undefined) {
      await store.createFeed(feed, settings.segmentSize);
      found = await find();
    }
    if (found === undefined)
      throw new RelayError("feed.vanished", `feed ${feed} has no head item`, { retryable: true });
    const { lastPage, ...tail } = found;
    const writerTail = {
      ...tail,
      producers: lastPage?.producers ?? [],
      archived: NOTHING_ARCHIVED,
      callMemory: lastPage ? unpackCallMemory(lastPage.callMemory) : EMPTY_CALL_MEMORY,
    };
    this.keep(writerTail);
    return writerTail;
  }

  /**
   * Whether the tail must be read again before a number is written. A number may be written only while no segment that
   * was open at the time of the read can have been freed: the condition on a freed number would pass again. Each page
   * that this writer appends renews that proof, but not the cached feed options.
   */
  isTooOld({ readAtEpochMillis, headReadAtEpochMillis }: WriterTail): boolean {
    const { clock, settings } = this.#parts;
    const nowEpochMillis = clock.nowEpochMillis();
    // Read in what is now the future: the clock was set back, and how old the tail is cannot be told.
    const isFresh = (epochMillis: number) =>
      epochMillis >= nowEpochMillis - settings.tailCacheMillis && epochMillis <= nowEpochMillis;
    return !isFresh(readAtEpochMillis) || !isFresh(headReadAtEpochMillis);
  }

  keep(tail: WriterTail): void {
    // The archive must not be older than the tail, so each append reads it anew.
    this.#known.set(tail.feed, { ...tail, archived: NOTHING_ARCHIVED });
  }

  forget(feed: string): void {
    this.#known.delete(feed);
  }
}
