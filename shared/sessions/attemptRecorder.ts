import { LRUCache } from "lru-cache";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { type Attempt, isOrdinary, joined } from "./attempt.ts";

export interface AttemptSink {
  /** Adds entries to a session's record, oldest first. */
  putAttempts(sessionId: string, attempts: readonly Attempt[]): Promise<void>;
}

/** The successes of a forgotten session that were not written are lost. */
const KNOWN_SESSIONS = 5_000;

/**
 * Records attempts without a write per page. A failure is written at once, with the successes before it. Of the successes
 * the first in each interval of the clock is written, together with those before it that this process has seen. Many
 * processes serve a busy session in turn, and the cursor tells each of them when its last success was, so they write one
 * entry for an interval between them. When a session rests for an interval, what is left is written at the end of an
 * invocation. A process that ends before loses it: the record is for people, and nothing is decided by it. For the same
 * reason a failed write is logged and given up.
 */
export class AttemptRecorder {
  readonly #sink: AttemptSink;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #intervalMillis: number;
  readonly #unwritten = new LRUCache<string, Attempt>({ max: KNOWN_SESSIONS });

  constructor(parts: { sink: AttemptSink; clock: Clock; log: Log; intervalMillis: number }) {
    this.#sink = parts.sink;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#intervalMillis = parts.intervalMillis;
  }

  /**
   * Never rejects.
   * @param lastSuccessEpochMillis of the session before this one, whichever process saw it; undefined when it had none, or has
   *   failed since: then a success is written at once
   */
  async record(sessionId: string, attempt: Attempt, lastSuccessEpochMillis?: number): Promise<void> {
    const before = this.#unwritten.get(sessionId);
    if (!isOrdinary(attempt)) {
      this.#unwritten.delete(sessionId);
      return this.#put(sessionId, before === undefined ? [attempt] : [before, attempt]);
    }
    const run = before === undefined ? attempt : joined(before, attempt);
    this.#unwritten.set(sessionId, run);
    if (this.#isFirst(lastSuccessEpochMillis)) await this.#write(sessionId, run);
  }

  /** Writes the runs that have rested. Called at the end of an invocation: until the next one, the process may be frozen. */
  async writeDue(): Promise<void> {
    const nowEpochMillis = this.#clock.nowEpochMillis();
    await Promise.all(
      [...this.#unwritten]
        // A clock that was set back makes the time since the attempt negative, and says nothing of it.
        .filter(([, { atEpochMillis }]) => Math.abs(nowEpochMillis - atEpochMillis) >= this.#intervalMillis)
        .map(([sessionId, run]) => this.#write(sessionId, run)),
    );
  }

  /** Whether a success now is the session's first in this interval. */
  #isFirst(lastSuccessEpochMillis: number | undefined): boolean {
    if (lastSuccessEpochMillis === undefined || this.#intervalMillis === 0) return true;
    const intervalOf = (epochMillis: number) => Math.floor(epochMillis / this.#intervalMillis);
    return intervalOf(lastSuccessEpochMillis) !== intervalOf(this.#clock.nowEpochMillis());
  }

  async #write(sessionId: string, run: Attempt): Promise<void> {
    this.#unwritten.delete(sessionId);
    await this.#put(sessionId, [run]);
  }

  async #put(sessionId: string, attempts: readonly Attempt[]): Promise<void> {
    try {
      await this.#sink.putAttempts(sessionId, attempts);
    } catch (error) {
      this.#log.warn("attempts could not be recorded", { session: sessionId, error });
    }
  }
}
