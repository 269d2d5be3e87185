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

export interface SocketReaderParts {
  readonly socket: Socket;
  readonly position: OpenPosition;
  readonly fanout: FeedFanout;
  /** Whether the position is durable: then it follows what the kernel has taken. */
  readonly resumes: boolean;
  readonly clock: Clock;
  readonly view: View;
  /** Called when the socket takes no more; `drained` follows when it does again. */
  readonly onFull: () => void;
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
  /** Writes that are not in the kernel yet. */
  #unwritten = 0;

  constructor(parts: SocketReaderParts) {
    this.#parts = parts;
    this.view = parts.view;
    this.next = parts.position.next;
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
   * before `collected` is called.
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

  collected(): void {
    this.#isCollected = false;
    this.#parts.fanout.resume(this);
  }

  take(slices: readonly Slice[], next: Sequence): void {
    for (const slice of slices) {
      if (this.#collect !== undefined) this.#collect(slice.bytes);
      else this.#write(slice.bytes, slice.next);
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
    if (this.#unwritten === 0) this.#remember(next);
  }

  #tell({ reason, first, last }: CursorGap): void {
    const { ami } = renderGap(reason, { first, last }, this.#parts.clock.nowEpochMillis());
    if (ami !== undefined && this.view.tellsGaps) this.#write(Buffer.from(ami.text), last + 1);
  }

  #write(bytes: Buffer, next: Sequence): void {
    const hasRoom = this.#parts.resumes
      ? this.#writeAndRemember(bytes, next)
      : this.#parts.socket.write(bytes);
    if (hasRoom) return;
    this.#isFull = true;
    this.#parts.onFull();
  }

  #writeAndRemember(bytes: Buffer, next: Sequence): boolean {
    this.#unwritten += 1;
    return this.#parts.socket.write(bytes, (error) => {
      this.#unwritten -= 1;
      if (!error) this.#remember(this.#unwritten === 0 ? Math.max(next, this.next) : next);
    });
  }

  /** The position may have been moved forward by the sweep meanwhile. */
  #remember(next: Sequence): void {
    const gap = this.#parts.position.advance(next);
    if (gap === undefined || gap.last < this.next) return;
    this.#tell(gap);
    this.next = gap.last + 1;
  }
}
