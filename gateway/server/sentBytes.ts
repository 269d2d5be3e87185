import type { Socket } from "node:net";
import type { Sequence } from "../../shared/queue/sequence.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import { queueKey, type SendQueue } from "./sendQueues.ts";
import { SentMarks } from "./sentMarks.ts";

export interface SentBytesParts {
  readonly socket: Socket;
  readonly clock: Clock;
  /** The client's TCP has acknowledged everything below. */
  readonly onConfirmed: (next: Sequence) => void;
}

/**
 * Input that comes so long after bytes were written shows that the network was up for as long. That is all there is where
 * the kernel does not say what was acknowledged.
 */
const INPUT_AFTER_MILLIS = 5_000;

/** A look counts for this much waiting at most: after a pause of the whole process the client gets its time again. */
const MOST_WAITED_MILLIS = 5_000;

/** What was written to one socket for a durable position, and how much of it has surely arrived. */
export class SentBytes {
  readonly key: string | undefined;
  readonly #parts: SentBytesParts;
  readonly #marks = new SentMarks();
  /** Bytes given to the socket, and those of them that the kernel has taken. */
  #queued = 0;
  #written = 0;
  /** The kernel's name of the connection, once it was found. */
  #inode: string | undefined;
  #lookedAtEpochMillis: number;
  #bytesRead = 0;
  #waitedMillis = 0;

  constructor(parts: SentBytesParts) {
    this.#parts = parts;
    this.key = queueKey(parts.socket);
    this.#lookedAtEpochMillis = parts.clock.nowEpochMillis();
  }

  /** Writes and counts. @returns whether the socket takes more */
  write(bytes: Buffer): boolean {
    this.#queued += bytes.length;
    return this.#parts.socket.write(bytes, (error) => {
      if (!error) this.#written += bytes.length;
    });
  }

  /** Everything below `next` was given to `write`. */
  mark(next: Sequence): void {
    this.#marks.add(next, this.#queued, this.#parts.clock.nowEpochMillis());
  }

  /** How long nothing was acknowledged although something should be. */
  get waitedMillis(): number {
    return this.#waitedMillis;
  }

  get written(): number {
    return this.#written;
  }

  /** Whether a look at the kernel's queue can confirm something. */
  get isWaiting(): boolean {
    const confirmed = this.#marks.confirmAcknowledged();
    if (confirmed !== undefined) this.#parts.onConfirmed(confirmed);
    if (!this.#marks.isEmpty) return true;
    this.#waitedMillis = 0;
    this.#lookedAtEpochMillis = this.#parts.clock.nowEpochMillis();
    this.#bytesRead = this.#parts.socket.bytesRead;
    return false;
  }

  /**
   * @param written what `written` was before the kernel's queue was read
   * @param queue undefined when the connection was not found
   */
  look(written: number, queue: SendQueue | undefined): void {
    const now = this.#parts.clock.nowEpochMillis();
    const before = this.#lookedAtEpochMillis;
    this.#lookedAtEpochMillis = now;
    const { bytesRead } = this.#parts.socket;
    // It came after the look before this one.
    const hasInput = bytesRead > this.#bytesRead;
    this.#bytesRead = bytesRead;
    if (queue !== undefined) this.#inode ??= queue.inode;
    if (this.#inode === undefined) {
      this.#marks.postpone(written, now);
      if (hasInput) this.#confirm(this.#marks.confirmOlderThan(before - INPUT_AFTER_MILLIS));
      return;
    }
    if (queue?.inode === this.#inode && this.#marks.acknowledge(written, queue.unacknowledged))
      this.#waitedMillis = 0;
    else this.#waitedMillis += Math.min(now - before, MOST_WAITED_MILLIS);
    this.#confirm(this.#marks.confirmAcknowledged());
  }

  /** The client has received everything: it acknowledged the connection's end. */
  confirmAll(): void {
    this.#confirm(this.#marks.newest);
  }

  #confirm(next: Sequence | undefined): void {
    if (next !== undefined) this.#parts.onConfirmed(next);
  }
}
