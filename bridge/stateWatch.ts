import type { Clock } from "../shared/runtime/clock.ts";
import type { Log } from "../shared/runtime/log.ts";
import type { PbxIdentity, PbxState, Source } from "./source.ts";
import type { Lookout } from "./truth/lookout.ts";
import { confirmed, type Drift, isNone } from "./truth/reconcile.ts";
import type { SnapshotReason } from "./truth/records.ts";
import type { Entry, Truth } from "./truth/truth.ts";

/** Why a snapshot is due. */
export interface Due {
  readonly reason: SnapshotReason;
  readonly gap: string | undefined;
}

export interface StateWatchParts {
  readonly source: Pick<Source, "state">;
  readonly truth: Truth;
  readonly clock: Clock;
  readonly log: Log;
  newId(): string;
  /** Appends to the feed, in order with the events. */
  append(entry: Entry): void;
  /** A gap record of a drift was appended. */
  onDrift(): void;
  /** The PBX is another one than it was when the link came up. */
  onRestart(pbx: PbxIdentity): void;
  readonly times?: Partial<StateWatchTimes>;
}

export interface StateWatchTimes {
  /** How long an event may be under way when the PBX's answer is here. Measured: some milliseconds. */
  readonly settleMillis: number;
  readonly driftEveryMillis: number;
  /** Between the two looks that must agree before a drift is believed. */
  readonly confirmMillis: number;
  readonly timeoutMillis: number;
  /** Between attempts when the PBX does not answer; grows up to a minute. */
  readonly retryMillis: number;
}

const TIMES: StateWatchTimes = {
  settleMillis: 250,
  driftEveryMillis: 60_000,
  confirmMillis: 5_000,
  timeoutMillis: 30_000,
  retryMillis: 1_000,
};
const MOST_RETRY_MILLIS = 60_000;

/**
 * Asks a PBX for its state while the link is up: for the snapshot after a gap, then once a minute to look for drift.
 * The events that come meanwhile are never held up.
 */
export class StateWatch {
  readonly #parts: StateWatchParts;
  readonly #times: StateWatchTimes;
  #running: { readonly ending: AbortController; readonly done: Promise<void> } | undefined;

  constructor(parts: StateWatchParts) {
    this.#parts = parts;
    this.#times = { ...TIMES, ...parts.times };
  }

  /** The link is up, and a snapshot is due. */
  begin(due: Due): void {
    this.#running?.ending.abort();
    const ending = new AbortController();
    this.#running = { ending, done: this.#run(due, ending.signal) };
  }

  /** The link is down. */
  async end(): Promise<void> {
    this.#running?.ending.abort();
    await this.#running?.done;
  }

  async #run(due: Due, signal: AbortSignal): Promise<void> {
    await this.#untilAnswered(signal, () => this.#snapshot(due, signal));
    let rightAtEpochMillis = this.#parts.clock.nowEpochMillis();
    while (!signal.aborted) {
      await this.#parts.clock.sleep(this.#times.driftEveryMillis, signal);
      await this.#untilAnswered(signal, async () => {
        rightAtEpochMillis = await this.#lookForDrift(rightAtEpochMillis, signal);
      });
    }
  }

  /** Repeats the question until it succeeds or the link is down. Says once that the PBX does not answer. */
  async #untilAnswered(signal: AbortSignal, ask: () => Promise<void>): Promise<void> {
    const { log, clock } = this.#parts;
    for (let failures = 0; !signal.aborted; failures += 1)
      try {
        await ask();
        if (failures > 0) log.info("the PBX tells its state again");
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (failures === 0) log.warn("the PBX does not tell its state", { error });
        await clock.sleep(Math.min(MOST_RETRY_MILLIS, this.#times.retryMillis * 2 ** failures), signal);
      }
  }

  async #snapshot(due: Due, signal: AbortSignal): Promise<void> {
    await this.#ask(signal, (state, lookout) => this.#append(due, state, lookout));
  }

  #append(due: Due, state: PbxState, lookout: Lookout): void {
    const { truth, clock, newId, append } = this.#parts;
    for (const entry of truth.snapshot(state, lookout, due, clock.nowEpochMillis(), newId())) append(entry);
  }

  /** @returns up to when the state is known to be right */
  async #lookForDrift(rightAtEpochMillis: number, signal: AbortSignal): Promise<number> {
    const { truth, clock, log, newId, append, onDrift } = this.#parts;
    const askedAtEpochMillis = clock.nowEpochMillis();
    const first = await this.#ask(signal, (state, lookout) => truth.drift(state, lookout));
    if (first === undefined) return rightAtEpochMillis;
    if (isNone(first)) {
      append({ records: [], changes: truth.isRight(askedAtEpochMillis) });
      return askedAtEpochMillis;
    }
    await clock.sleep(this.#times.confirmMillis, signal);
    await this.#ask(signal, (state, lookout) => {
      const drift: Drift = confirmed(first, truth.drift(state, lookout));
      if (isNone(drift)) return;
      const { gap, ...entry } = truth.driftGap(drift, rightAtEpochMillis, clock.nowEpochMillis(), newId());
      log.warn("the PBX's state is not what its events said; a snapshot follows", { ...gap.facts });
      append(entry);
      this.#append({ reason: "drift", gap: gap.id }, state, lookout);
      onDrift();
    });
    return askedAtEpochMillis;
  }

  /**
   * `use` gets the answer once the events of that time are here, and runs in one go.
   * @returns undefined when the link went down, or when the PBX has restarted
   */
  async #ask<T>(signal: AbortSignal, use: (state: PbxState, lookout: Lookout) => T): Promise<T | undefined> {
    const { source, truth, clock, onRestart } = this.#parts;
    const lookout = truth.look();
    try {
      const state = await source.state(
        AbortSignal.any([signal, AbortSignal.timeout(this.#times.timeoutMillis)]),
      );
      await clock.sleep(this.#times.settleMillis, signal);
      if (signal.aborted) return undefined;
      if (state.pbx.startedAtEpochMillis === truth.link("main").startedAtEpochMillis)
        return use(state, lookout);
      onRestart(state.pbx);
      return undefined;
    } finally {
      truth.end(lookout);
    }
  }
}
