import type { Sequence } from "../../shared/queue/sequence.ts";

/** How far a connection has come. */
export interface Progress {
  /** Everything below has reached the client's system. */
  readonly next: Sequence;
  /** Whether the client was told the gap that it had when this progress was made. */
  readonly hasToldGap: boolean;
}

interface Mark extends Progress {
  /** No progress of this mark is younger. */
  readonly atEpochMillis: number;
}

/** Progress within so long shares a mark. */
const MARK_MILLIS = 250;

/**
 * A connection's progress over the last seconds. What a client's system has acknowledged, its program may not have read:
 * if the program ends first, that is lost. So only progress that is older than a few seconds is settled, and stored.
 */
export class SettledProgress {
  readonly #settleMillis: number;
  readonly #marks: Mark[] = [];
  #settled: Progress;

  /** @param settleMillis the age at which progress is settled */
  constructor(begin: Progress, settleMillis: number) {
    this.#settled = begin;
    this.#settleMillis = settleMillis;
  }

  /** The newest progress, settled or not. */
  get newest(): Progress {
    return this.#marks.at(-1) ?? this.#settled;
  }

  add(progress: Progress, nowEpochMillis: number): void {
    const last = this.#marks.at(-1);
    const atEpochMillis = nowEpochMillis + MARK_MILLIS;
    if (last === undefined || last.atEpochMillis < nowEpochMillis)
      this.#marks.push({ ...progress, atEpochMillis });
    else this.#marks[this.#marks.length - 1] = { ...progress, atEpochMillis: last.atEpochMillis };
  }

  settled(nowEpochMillis: number): Progress {
    for (;;) {
      const [oldest] = this.#marks;
      if (oldest === undefined || oldest.atEpochMillis + this.#settleMillis > nowEpochMillis)
        return this.#settled;
      this.#settled = oldest;
      this.#marks.shift();
    }
  }
}
