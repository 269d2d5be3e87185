import type { Socket } from "node:net";
import { renderGap } from "../../shared/queue/message.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { CursorGap } from "../../shared/sessions/cursor.ts";
import type { FeedFanout } from "../fanout/feedFanout.ts";
import type { Reader } from "../fanout/reader.ts";
import type { View } from "../fanout/view.ts";
import type { Slice } from "../fanout/viewBytes.ts";
import type { OpenPosition } from "../positions.ts";
import type { Acknowledgements } from "./acknowledgements.ts";
import type { SentBytes } from "./sentBytes.ts";

export interface SocketReaderParts {
  readonly socket: Socket;
  readonly position: OpenPosition;
  readonly fanout: FeedFanout;
  /** Given when the position is durable: then it follows what the client has acknowledged. */
  readonly acknowledgements: Acknowledgements | undefined;
  readonly clock: Clock;
  readonly view: View;
  /** Called when the socket takes no more; `drained` follows when it does again. */
  readonly onFull: () => void;
  /** Called when the client acknowledges nothing any more. */
  readonly onStalled: () => void;
  /** Called once, when the feed cannot be read for this connection. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Writes a feed's events to one socket. When the socket takes no more, the reader keeps its position and nothing else.
 * It does not write while events are held after a login, or while WaitEvent collects them.
 */
export class SocketReader implements Reader {
  readonly #parts: SocketReaderParts;
  next: Sequence;
  view: View;
  #isHeld = true;
  #isFull = false;
  #isEnded = false;
  /** Set while WaitEvent has the events. */
  #collect: ((events: Buffer) => void) | undefined;
  /** Set from there until its answer is written. */
  #isCollected = false;
  /** Undefined when the position is not durable. */
  readonly #sent: SentBytes | undefined;

  constructor(parts: SocketReaderParts) {
    this.#parts = parts;
    this.view = parts.view;
    this.next = parts.position.next;
    this.#sent = parts.acknowledgements?.watch(parts.socket, {
      onConfirmed: (next) => this.#confirmed(next),
      onStalled: parts.onStalled,
    });
  }

  get isReady(): boolean {
    return !this.#isHeld && !this.#isFull && !this.#isCollected && !this.#isEnded;
  }

  /** The login's answer is alone on its way: events may follow. */
  start(): void {
    if (!this.#isHeld || this.#isEnded) return;
    this.#isHeld = false;
    const { gap } = this.#parts.position;
    if (gap !== undefined) this.#tell(gap);
    if (gap !== undefined && this.view.tellsGaps) this.#moveTo(this.next);
    this.#parts.fanout.add(this);
  }

  end(): void {
    this.#isEnded = true;
    this.#collect?.(Buffer.alloc(0));
    this.#parts.fanout.remove(this);
  }

  /** The socket's buffer has run empty. */
  drained(): void {
    this.#isFull = false;
    this.#parts.fanout.resume(this);
  }

  /** The socket's buffer was filled by something else, an answer. */
  filled(): void {
    this.#isFull = true;
  }

  change(view: View): void {
    this.view = view;
    this.#parts.fanout.resume(this);
  }

  /**
   * Resolves with the next events in place of writing them; with none when `until` aborts first. No event is written
   * before `collected` is called with the answer.
   */
  collect(until: AbortSignal): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#collect = (events) => {
        this.#collect = undefined;
        this.#isCollected = true;
        resolve(events);
      };
      if (until.aborted || this.#isEnded) this.#collect(Buffer.alloc(0));
      until.addEventListener("abort", () => this.#collect?.(Buffer.alloc(0)), { once: true });
      this.#parts.fanout.resume(this);
    });
  }

  /** WaitEvent's answer, with the events that it has. */
  collected(answer: Buffer): void {
    this.#write(answer);
    this.#isCollected = false;
    this.#moveTo(this.next);
    this.#parts.fanout.resume(this);
  }

  /**
   * To be called when the connection is closed, and the client has closed its side after this one: whether it had
   * acknowledged everything. Then the position is the last one.
   */
  async isReceived(): Promise<boolean> {
    if (this.#sent === undefined) return true;
    if (!(await this.#parts.acknowledgements?.isFinished(this.#sent))) return false;
    this.#sent.confirmAll();
    return true;
  }

  take(slices: readonly Slice[], next: Sequence): void {
    for (const slice of slices) {
      if (this.#collect !== undefined) this.#collect(slice.bytes);
      else this.#write(slice.bytes);
      this.#moveTo(slice.next);
      if (!this.isReady) return;
    }
    this.#moveTo(next);
  }

  skip(gap: CursorGap): void {
    this.#tell(gap);
    this.#moveTo(gap.last + 1);
  }

  fail(error: unknown): void {
    this.end();
    this.#parts.onFailure(error);
  }

  #moveTo(next: Sequence): void {
    this.next = next;
    // Collected events are written with their answer.
    if (!this.#isCollected) this.#sent?.mark(next);
  }

  #tell({ reason, first, last }: CursorGap): void {
    const { ami } = renderGap(reason, { first, last }, this.#parts.clock.nowEpochMillis());
    if (ami !== undefined && this.view.tellsGaps) this.#write(Buffer.from(ami.text));
  }

  #write(bytes: Buffer): void {
    if (this.#sent?.write(bytes) ?? this.#parts.socket.write(bytes)) return;
    this.#isFull = true;
    this.#parts.onFull();
  }

  /** The position may have been moved forward by the sweep meanwhile. */
  #confirmed(next: Sequence): void {
    const gap = this.#parts.position.advance(next);
    if (gap === undefined || gap.last < this.next || this.#isEnded) return;
    this.#tell(gap);
    this.#moveTo(gap.last + 1);
  }
}
