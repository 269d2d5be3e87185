import { lastOf, type Page } from "../../shared/queue/page.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { DEFAULT_VERSION, type PbxFacts } from "../protocol/pbx.ts";
import { StateTracker } from "../state/stateTracker.ts";
import { FeedFanout } from "./feedFanout.ts";
import { FeedSource, type QueueParts } from "./feedSource.ts";

/** Messages that are read again when a feed is opened, to learn what its PBX has now. */
const HISTORY_MESSAGES = 20_000;

/** A feed without connections is followed for this long, so that a reconnecting client finds it as it was. */
const LINGER_MILLIS = 60_000;

/** One feed with its followers, as long as somebody needs it. */
export interface FollowedFeed {
  readonly fanout: FeedFanout;
  readonly tracker: StateTracker;
  /** Gives the feed back. */
  release(): void;
}

interface Entry {
  readonly opened: Promise<Opened | undefined>;
  /** Set when the feed is open. */
  tracker?: StateTracker;
  users: number;
  /** Set while nobody uses the feed. */
  linger: NodeJS.Timeout | undefined;
}

type Opened = Omit<FollowedFeed, "release">;

/** The feeds that this process follows: one follower each, whatever the number of connections. */
export class Fanouts {
  readonly #queue: QueueParts;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();
  readonly #startedAtEpochMillis: number;

  constructor(queue: QueueParts, log: Log) {
    this.#queue = queue;
    this.#log = log;
    this.#startedAtEpochMillis = queue.clock.nowEpochMillis();
  }

  /** What is said of a PBX of which nothing is known. */
  get unknownPbx(): PbxFacts {
    return { version: DEFAULT_VERSION, systemName: "", startedAtEpochMillis: this.#startedAtEpochMillis };
  }

  /** The version that connections are greeted with: at that time nobody knows yet which feed they are for. */
  get greetedVersion(): string {
    const [only, ...more] = this.#entries.values();
    return (more.length === 0 ? only?.tracker?.pbx.version : undefined) ?? DEFAULT_VERSION;
  }

  /** Resolves when the feed's recent messages were read. Undefined when the feed does not exist. */
  async open(feed: string): Promise<FollowedFeed | undefined> {
    const entry: Entry = this.#entries.get(feed) ?? {
      opened: this.#start(feed),
      users: 0,
      linger: undefined,
    };
    this.#entries.set(feed, entry);
    entry.users += 1;
    clearTimeout(entry.linger);
    const opened = await entry.opened.catch((error) => {
      this.#forget(feed, entry);
      throw error;
    });
    if (opened === undefined) {
      this.#forget(feed, entry);
      return undefined;
    }
    entry.tracker = opened.tracker;
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      entry.users -= 1;
      if (entry.users === 0) entry.linger = setTimeout(() => this.#end(feed, entry), LINGER_MILLIS).unref();
    };
    return { ...opened, release };
  }

  async stop(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { linger } of entries) clearTimeout(linger);
    await Promise.all(
      entries.map(async ({ opened }) => (await opened.catch(() => undefined))?.fanout.stop()),
    );
  }

  #forget(feed: string, entry: Entry): void {
    if (this.#entries.get(feed) === entry) this.#entries.delete(feed);
  }

  #end(feed: string, entry: Entry): void {
    if (entry.users > 0) return;
    this.#forget(feed, entry);
    void entry.opened.then((opened) => opened?.fanout.stop());
  }

  async #start(feed: string): Promise<Opened | undefined> {
    const found = await FeedSource.open(feed, this.#queue);
    if (found === undefined) return undefined;
    const { source, held } = found;
    const tracker = new StateTracker(this.unknownPbx);
    const observe = (page: Page) => tracker.observe(page);
    const next = await this.#readHistory(
      feed,
      source,
      Math.max(held, found.next - HISTORY_MESSAGES),
      observe,
    );
    const fanout = new FeedFanout({
      feed,
      source,
      next: Math.max(next, found.next),
      clock: this.#queue.clock,
      log: this.#log,
      observe,
    });
    return { fanout, tracker };
  }

  /** Shows the tracker what is held, up to the tail. @returns the number after the last message that it saw */
  async #readHistory(
    feed: string,
    source: FeedSource,
    from: Sequence,
    observe: (page: Page) => void,
  ): Promise<Sequence> {
    let next = from;
    try {
      for (let pages = await source.readNew(next); pages.length > 0; pages = await source.readNew(next))
        for (const page of pages) {
          observe(page);
          next = lastOf(page) + 1;
        }
    } catch (error) {
      this.#log.warn("the history of a feed could not be read; its lists begin empty", { feed, next, error });
    }
    return next;
  }
}
