import { RelayError } from "../../shared/errors.ts";
import type { GroupWake } from "../../shared/queue/hints.ts";
import type { Clock } from "../../shared/runtime/clock.ts";

export interface HandOnParts {
  readonly wakes: {
    sendWake(group: GroupWake, delayMillis?: number): Promise<void>;
    /** Returns the groups whose wake was sent. */
    sendWakes(groups: readonly GroupWake[]): Promise<readonly GroupWake[]>;
  };
  readonly clock: Clock;
  /** A host that runs everything in one process sends each wake at once: there, an invocation of its own costs nothing. */
  readonly handsOnAtOnce?: boolean;
}

/**
 * Turns whose time is over hand their groups on as soon as they have their answers, most within this time. The group of a
 * turn that waits longer gets a wake of its own, so that it does not keep the others waiting.
 */
const GATHER_MILLIS = 250;

/**
 * The wakes that the groups of one wake send when the time of their turns is over. They are sent as one, because groups that are
 * woken each by itself would be served by an invocation each, and mostly wait there. A wake that is delayed, or that a
 * turn sends earlier or later, goes at once.
 */
export class HandOns {
  readonly #parts: HandOnParts;
  readonly #endsAtEpochMillis: number;
  /** The groups that may still be handed on. */
  readonly #open: Set<string>;
  readonly #handedOn: GroupWake[] = [];
  /** Once the first group is handed on. */
  #sending: Promise<void> | undefined;
  readonly #complete = new AbortController();

  /** @param endsAtEpochMillis when the time of the turns is over */
  constructor(parts: HandOnParts, groups: readonly string[], endsAtEpochMillis: number) {
    this.#parts = parts;
    this.#open = new Set(groups);
    this.#endsAtEpochMillis = endsAtEpochMillis;
  }

  /** Resolves when the wake was sent. @throws RelayError (retryable) when SQS did not take it */
  sendWake({ feed, group }: GroupWake, delayMillis = 0): Promise<void> {
    const isOver = this.#parts.clock.nowEpochMillis() >= this.#endsAtEpochMillis;
    const isShared =
      delayMillis === 0 &&
      isOver &&
      !this.#parts.handsOnAtOnce &&
      this.#open.has(group) &&
      !this.#complete.signal.aborted;
    if (!isShared) return this.#parts.wakes.sendWake({ feed, group }, delayMillis);
    this.#handedOn.push({ feed, group });
    this.#sending ??= this.#send();
    this.#close(group);
    return this.#sending;
  }

  /** The turn of a group has ended: nobody waits for it any more. */
  ended(group: string): void {
    this.#close(group);
  }

  #close(group: string): void {
    this.#open.delete(group);
    if (this.#open.size === 0) this.#complete.abort();
  }

  async #send(): Promise<void> {
    await this.#parts.clock.sleep(GATHER_MILLIS, this.#complete.signal);
    this.#complete.abort();
    const sent = await this.#parts.wakes.sendWakes(this.#handedOn);
    const left = this.#handedOn.length - sent.length;
    if (left > 0)
      throw new RelayError("wake.not-sent", `${left} wakes could not be sent`, { retryable: true });
  }
}
