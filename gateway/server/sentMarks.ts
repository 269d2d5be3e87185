import type { Sequence } from "../../shared/queue/sequence.ts";

/** How far a connection had come after so many bytes. */
interface Mark {
  /** Everything below stands before `end`. */
  readonly next: Sequence;
  /** Bytes, counted as they are given to the socket. */
  readonly end: number;
  /** When the first and the last bytes of this mark were given to the socket. */
  readonly firstAtEpochMillis: number;
  readonly lastAtEpochMillis: number;
}

/** Progress within so long shares a mark. */
const MARK_MILLIS = 250;

/** With more marks than this the newest one grows, which only confirms it later. */
const MOST_MARKS = 200;

/**
 * Positions that were written to a socket and are not confirmed yet.
 *
 * A mark is confirmed when the kernel's send queue is no longer than what was written after the mark: then the mark's own
 * bytes have left the queue, and TCP keeps bytes in it until the other side has acknowledged them. The bytes are those
 * before encryption, which adds to them; so over TLS a mark is confirmed later than it could be, and never earlier.
 */
export class SentMarks {
  readonly #marks: Mark[] = [];
  /** The most that was known to be acknowledged. */
  #acknowledged = 0;

  get isEmpty(): boolean {
    return this.#marks.length === 0;
  }

  /** The newest position, confirmed or not, unless none is left to confirm. */
  get newest(): Sequence | undefined {
    return this.#marks.at(-1)?.next;
  }

  add(next: Sequence, end: number, nowEpochMillis: number): void {
    const last = this.#marks.at(-1);
    const isShared =
      last !== undefined &&
      (last.end === end ||
        nowEpochMillis < last.firstAtEpochMillis + MARK_MILLIS ||
        this.#marks.length >= MOST_MARKS);
    if (!isShared)
      this.#marks.push({ next, end, firstAtEpochMillis: nowEpochMillis, lastAtEpochMillis: nowEpochMillis });
    else
      this.#marks[this.#marks.length - 1] = {
        ...last,
        next,
        end,
        lastAtEpochMillis: last.end === end ? last.lastAtEpochMillis : nowEpochMillis,
      };
  }

  /**
   * @param written bytes that the kernel had taken before its queue was looked at
   * @param unacknowledged bytes in the kernel's queue
   * @returns whether more is acknowledged than before
   */
  acknowledge(written: number, unacknowledged: number): boolean {
    const acknowledged = written - unacknowledged;
    if (acknowledged <= this.#acknowledged) return false;
    this.#acknowledged = acknowledged;
    return true;
  }

  /** Takes out the marks that are acknowledged. @returns the position of the last one */
  confirmAcknowledged(): Sequence | undefined {
    return this.#take(({ end }) => end <= this.#acknowledged);
  }

  /** Makes marks younger whose bytes the kernel has not all taken. */
  postpone(written: number, nowEpochMillis: number): void {
    for (const [index, mark] of this.#marks.entries())
      if (mark.end > written) this.#marks[index] = { ...mark, lastAtEpochMillis: nowEpochMillis };
  }

  /** Takes out the marks that are not younger. @returns the position of the last one */
  confirmOlderThan(atEpochMillis: number): Sequence | undefined {
    return this.#take(({ lastAtEpochMillis }) => lastAtEpochMillis <= atEpochMillis);
  }

  #take(isConfirmed: (mark: Mark) => boolean): Sequence | undefined {
    const index = this.#marks.findIndex((mark) => !isConfirmed(mark));
    const confirmed = this.#marks.splice(0, index < 0 ? this.#marks.length : index);
    return confirmed.at(-1)?.next;
  }
}
