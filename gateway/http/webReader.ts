import { renderGap } from "../../shared/queue/message.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { CursorGap } from "../../shared/sessions/cursor.ts";
import type { FeedFanout } from "../fanout/feedFanout.ts";
import type { Reader } from "../fanout/reader.ts";
import type { View } from "../fanout/view.ts";
import type { Slice } from "../fanout/viewBytes.ts";
import type { OpenPosition } from "../positions.ts";

/** One answer has about this at most; the next poll gets the rest. */
const ANSWER_BYTES = 512 * 1024;

/** After the first event, an answer waits this long for those that come with it. */
const GATHER_MILLIS = 100;

/** The events of one answer. */
export interface Gathered {
  readonly bytes: Buffer;
  /** The answer was written. */
  confirm(): void;
  /** The answer has not: the next one has these events again. */
  undo(): void;
}

/** The events of a session over HTTP. Between two polls they stay in the queue: the session has only a position. */
export class WebReader implements Reader {
  readonly #position: OpenPosition;
  readonly #fanout: FeedFanout;
  readonly #clock: Clock;
  next: Sequence;
  view: View;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #isGathering = false;
  #failure: unknown;
  /** Ends the waiting. */
  #done: AbortController | undefined;
  #hasToldGap = false;
  /** The position after the last answer that was written. */
  #answered: Sequence | undefined;

  constructor(parts: { position: OpenPosition; fanout: FeedFanout; clock: Clock; view: View }) {
    this.#position = parts.position;
    this.#fanout = parts.fanout;
    this.#clock = parts.clock;
    this.view = parts.view;
    this.next = parts.position.next;
    this.#fanout.add(this);
  }

  get isReady(): boolean {
    return this.#isGathering && this.#bytes < ANSWER_BYTES;
  }

  end(): void {
    this.#isGathering = false;
    this.#done?.abort();
    this.#fanout.remove(this);
  }

  /**
   * The events from the position on. A client that asks again has the answer before, so the durable position moves only
   * now. Waits for the first one up to `timeoutMillis`, or until `signal` aborts.
   * @throws what made the feed unreadable
   */
  async gather(timeoutMillis: number, signal: AbortSignal): Promise<Gathered> {
    if (this.#answered !== undefined) this.#position.advance(this.#answered);
    this.#answered = undefined;
    const before = this.next;
    const done = new AbortController();
    this.#done = done;
    this.#pieces = [];
    this.#bytes = 0;
    this.#isGathering = true;
    const { gap } = this.#position;
    if (gap !== undefined && !this.#hasToldGap) this.#tell(gap);
    this.#fanout.resume(this);
    await this.#clock.sleep(timeoutMillis, AbortSignal.any([done.signal, signal]));
    if (this.#bytes > 0 && this.isReady) await this.#clock.sleep(GATHER_MILLIS, signal);
    this.#isGathering = false;
    const pieces = this.#pieces;
    this.#pieces = [];
    if (this.#failure !== undefined) throw this.#failure;
    const after = this.next;
    return {
      bytes: Buffer.concat(pieces),
      confirm: () => {
        this.#hasToldGap = true;
        this.#answered = after;
      },
      undo: () => {
        if (this.next === after) this.next = before;
      },
    };
  }

  take(slices: readonly Slice[], next: Sequence): void {
    for (const slice of slices) {
      this.#add(slice.bytes);
      this.next = slice.next;
      if (!this.isReady) return;
    }
    this.next = next;
  }

  skip(gap: CursorGap): void {
    this.#tell(gap);
    this.next = gap.last + 1;
  }

  fail(error: unknown): void {
    this.#failure = error;
    this.end();
  }

  #tell({ reason, first, last }: CursorGap): void {
    const { ami } = renderGap(reason, { first, last }, this.#clock.nowEpochMillis());
    if (ami !== undefined && this.view.tellsGaps) this.#add(Buffer.from(ami.text));
  }

  #add(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    this.#done?.abort();
  }
}
