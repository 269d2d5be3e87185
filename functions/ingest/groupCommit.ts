import type { PositionConflictError } from "../../shared/errors.ts";
import { MAX_PAGE_MESSAGES } from "../../shared/queue/pageCodec.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Appender } from "./append.ts";
import type { Submission } from "./appendPlan.ts";
import type { AppendResult } from "./appendResult.ts";
import type { BusyFeeds } from "./busyFeeds.ts";

type Result = AppendResult | PositionConflictError;

interface Waiting {
  readonly submissions: readonly Submission[];
  readonly cameAtEpochMillis: number;
  /** The append that takes the request begins within this time, unless one is still in flight. */
  readonly mostWaitMillis: number;
  /** The same, while it is the only one that waits. */
  readonly mostWaitAloneMillis: number;
  readonly resolve: (results: Result[]) => void;
  readonly reject: (error: unknown) => void;
}

/** How long a request waits for others to share its page with. */
export interface Gathering {
  readonly gatherMillis: number;
  /** Where requests come side by side: those of a busy feed wait for a second one. */
  readonly busyFeeds?: Pick<BusyFeeds, "came" | "waited"> | undefined;
  readonly clock: Pick<Clock, "nowEpochMillis" | "sleep">;
  /** Aborted when the process stops: nothing waits any more. */
  readonly stopping: AbortSignal;
}

/**
 * One append at a time per feed and process. Requests that arrive during an append go into the next one together. So
 * the requests of a process never race each other for a number, and under load small requests share pages, which makes
 * them cheap. Where no append is in flight, requests share pages only if the first one waits: on a busy feed of one machine
 * for a second one (functions/ingest/busyFeeds.ts), on others for `gatherMillis`. A full page never waits.
 */
export class GroupCommit {
  readonly #appender: Pick<Appender, "append">;
  readonly #gathering: Gathering | undefined;
  /** Feeds at work, each with the requests that wait for its next append. */
  readonly #waiting = new Map<string, Waiting[]>();
  /** Feeds whose next append waits for more requests. */
  readonly #gatheringFeeds = new Map<string, AbortController>();

  /** @param gathering without it, nothing waits except for an append in flight */
  constructor(appender: Pick<Appender, "append">, gathering?: Gathering) {
    this.#appender = appender;
    this.#gathering = gathering;
  }

  /** @param options `atOnce`: this request, and whatever waits with it, does not wait for others */
  append(feed: string, submissions: readonly Submission[], options?: { atOnce: boolean }): Promise<Result[]> {
    return new Promise((resolve, reject) => {
      const request = {
        submissions,
        resolve,
        reject,
        ...this.#waitOf(feed, options?.atOnce ?? false),
      };
      const waiting = this.#waiting.get(feed);
      if (waiting) {
        waiting.push(request);
        if (this.#millisToGather(waiting) <= 0) this.#gatheringFeeds.get(feed)?.abort("ready");
      } else {
        this.#waiting.set(feed, [request]);
        void this.#run(feed);
      }
    });
  }

  #waitOf(feed: string, atOnce: boolean): Omit<Waiting, "submissions" | "resolve" | "reject"> {
    const { gatherMillis = 0, busyFeeds, clock } = this.#gathering ?? {};
    if (clock === undefined || atOnce)
      return { cameAtEpochMillis: 0, mostWaitMillis: 0, mostWaitAloneMillis: 0 };
    return {
      cameAtEpochMillis: clock.nowEpochMillis(),
      mostWaitMillis: gatherMillis,
      mostWaitAloneMillis: Math.max(gatherMillis, busyFeeds?.came(feed) ?? 0),
    };
  }

  async #run(feed: string): Promise<void> {
    for (let waiting = this.#waiting.get(feed); waiting?.length; waiting = this.#waiting.get(feed)) {
      const millis = this.#millisToGather(waiting);
      if (millis > 0) await this.#gather(feed, waiting, millis);
      this.#waiting.set(feed, []);
      await this.#commit(feed, waiting);
    }
    this.#waiting.delete(feed);
  }

  #millisToGather(waiting: readonly Waiting[]): number {
    const { clock, stopping } = this.#gathering ?? {};
    if (clock === undefined || stopping?.aborted || eventsOf(waiting) >= MAX_PAGE_MESSAGES) return 0;
    const nowEpochMillis = clock.nowEpochMillis();
    const left = waiting.map(({ cameAtEpochMillis, mostWaitMillis, mostWaitAloneMillis }) => {
      const millis = waiting.length === 1 ? mostWaitAloneMillis : mostWaitMillis;
      // If the clock is set back meanwhile, nobody waits for longer.
      return Math.min(millis, cameAtEpochMillis + millis - nowEpochMillis);
    });
    return Math.min(...left);
  }

  async #gather(feed: string, waiting: readonly Waiting[], millis: number): Promise<void> {
    if (this.#gathering === undefined) return;
    const { clock, stopping, busyFeeds } = this.#gathering;
    const ready = new AbortController();
    this.#gatheringFeeds.set(feed, ready);
    await clock.sleep(millis, ready.signal, stopping);
    this.#gatheringFeeds.delete(feed);
    busyFeeds?.waited(feed, waiting.length === 1);
  }

  async #commit(feed: string, group: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.#appender.append(
        feed,
        group.flatMap(({ submissions }) => submissions),
      );
      let from = 0;
      for (const { submissions, resolve } of group) {
        resolve(results.slice(from, from + submissions.length));
        from += submissions.length;
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}

function eventsOf(waiting: readonly Waiting[]): number {
  return waiting.reduce(
    (sum, { submissions }) => sum + submissions.reduce((events, each) => events + each.events.length, 0),
    0,
  );
}
