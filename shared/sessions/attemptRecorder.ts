import { LRUCache } from "lru-cache";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { type Attempt, isOrdinary, joined } from "./attempt.ts";

export interface AttemptSink {
  /** Adds entries to a session's record, oldest first. */
  putAttempts(sessionId: string, attempts: readonly Attempt[]): Promise<void>;
}

interface Unwritten {
  readonly attempt: Attempt | undefined;
  /** When a success of the session was last written. */
  readonly writtenAtEpochMillis: number | undefined;
}

/** A forgotten session's next success is written at once. */
const KNOWN_SESSIONS = 5_000;

/**
 * Records attempts without a write per page. A failure is written at once, with the successes before it. A success is
 * written at once if none was for an interval; those that follow within the interval become one entry, which is written
 * with the first attempt after it, or at the end of an invocation after it. A process that ends before loses that entry:
 * the record is for people, and nothing is decided by it. For the same reason a failed write is logged and given up.
 */
export class AttemptRecorder {
  readonly #sink: AttemptSink;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #intervalMillis: number;
  readonly #sessions = new LRUCache<string, Unwritten>({ max: KNOWN_SESSIONS });

  constructor(parts: { sink: AttemptSink; clock: Clock; log: Log; intervalMillis: number }) {
    this.#sink = parts.sink;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#intervalMillis = parts.intervalMillis;
  }

  /** Never rejects. */
  async record(sessionId: string, attempt: Attempt): Promise<void> {
    const { attempt: before, writtenAtEpochMillis } = this.#sessions.get(sessionId) ?? nothing;
    if (!isOrdinary(attempt)) {
      // The next success is news.
      this.#sessions.delete(sessionId);
      return this.#put(sessionId, before === undefined ? [attempt] : [before, attempt]);
    }
    const run = before === undefined ? attempt : joined(before, attempt);
    this.#sessions.set(sessionId, { attempt: run, writtenAtEpochMillis });
    if (this.#isDue(writtenAtEpochMillis)) await this.#write(sessionId, run);
  }

  /** Writes the runs that are due. Called at the end of an invocation: until the next one, the process may be frozen. */
  async writeDue(): Promise<void> {
    await Promise.all(
      [...this.#sessions].map(async ([sessionId, { attempt, writtenAtEpochMillis }]) => {
        if (attempt !== undefined && this.#isDue(writtenAtEpochMillis)) await this.#write(sessionId, attempt);
      }),
    );
  }

  #isDue(writtenAtEpochMillis: number | undefined): boolean {
    if (writtenAtEpochMillis === undefined) return true;
    // A clock that was set back makes the time since the write negative, and says nothing of it.
    return Math.abs(this.#clock.nowEpochMillis() - writtenAtEpochMillis) >= this.#intervalMillis;
  }

  async #write(sessionId: string, attempt: Attempt): Promise<void> {
    this.#sessions.set(sessionId, {
      attempt: undefined,
      writtenAtEpochMillis: this.#clock.nowEpochMillis(),
    });
    await this.#put(sessionId, [attempt]);
  }

  async #put(sessionId: string, attempts: readonly Attempt[]): Promise<void> {
    try {
      await this.#sink.putAttempts(sessionId, attempts);
    } catch (error) {
      this.#log.warn("attempts could not be recorded", { session: sessionId, error });
    }
  }
}

const nothing: Unwritten = { attempt: undefined, writtenAtEpochMillis: undefined };
