import { mergeHints, type NotifyHint } from "../../shared/queue/hints.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";

export interface HintGathering {
  sendNotify(hint: NotifyHint): Promise<void>;
  readonly clock: Pick<Clock, "sleep">;
  readonly log: Pick<Log, "error">;
  /** Aborted when the process stops: nothing waits any more. */
  readonly stopping: AbortSignal;
}

/** How long a feed's hints gather behind the one before. */
const GATHER_MILLIS = 200;

interface Gathered {
  hint?: NotifyHint;
  /** A turn of the feed has ended: the next page finds no one awake. */
  isNextAtOnce: boolean;
}

/**
 * The hints of a process in which ingest and deliver run side by side. There the turns of a feed are told of each page, so a
 * hint is only for groups that no turn serves. The first one after a pause goes at once, and so does the first one after a
 * turn has ended; those that follow closely become one. On AWS nothing may wait when an invocation has ended, so there each
 * append sends its own.
 */
export class GatheredHints {
  readonly #parts: HintGathering;
  /** The feeds that have sent a hint a moment ago, with what has come since. */
  readonly #feeds = new Map<string, Gathered>();

  constructor(parts: HintGathering) {
    this.#parts = parts;
  }

  /** Resolves once the hint is sent or gathers. @throws what sending throws, for a hint that goes at once */
  async sendNotify(hint: NotifyHint): Promise<void> {
    const gathered = this.#feeds.get(hint.feed);
    if (gathered === undefined) void this.#gather(hint.feed);
    else if (!gathered.isNextAtOnce) {
      gathered.hint = gathered.hint === undefined ? hint : mergeHints(gathered.hint, hint);
      return;
    } else gathered.isNextAtOnce = false;
    await this.#parts.sendNotify(hint);
  }

  /** A turn of the feed has ended. A page that it just missed has gathered, and its hint goes when the time is over. */
  turnEnded(feed: string): void {
    const gathered = this.#feeds.get(feed);
    if (gathered !== undefined) gathered.isNextAtOnce = true;
  }

  async #gather(feed: string): Promise<void> {
    const { sendNotify, clock, stopping, log } = this.#parts;
    const gathered: Gathered = { isNextAtOnce: false };
    this.#feeds.set(feed, gathered);
    for (;;) {
      await clock.sleep(GATHER_MILLIS, stopping);
      const { hint } = gathered;
      if (hint === undefined) break;
      delete gathered.hint;
      try {
        await sendNotify(hint);
      } catch (error) {
        log.error("the notify hint could not be sent; the sweep will repair it", { feed, error });
      }
    }
    this.#feeds.delete(feed);
  }
}
