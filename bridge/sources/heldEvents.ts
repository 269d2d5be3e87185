import type { SourceEvent } from "../source.ts";

/** Many seconds of a busy PBX. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;

/**
 * Holds the events that a socket delivers before the PBX has said who it is, so that they follow `linkUp`. When more
 * come than may be held, they are handed over without it: order is worth less than an event.
 */
export class HeldEvents {
  readonly #handOver: (event: SourceEvent) => void;
  readonly #maxBytes: number;
  #held: SourceEvent[] = [];
  #bytes = 0;
  #isReleased = false;

  constructor(handOver: (event: SourceEvent) => void, maxBytes = MAX_HELD_BYTES) {
    this.#handOver = handOver;
    this.#maxBytes = maxBytes;
  }

  take(event: SourceEvent): void {
    if (this.#isReleased) {
      this.#handOver(event);
      return;
    }
    this.#held.push(event);
    this.#bytes += event.body.length;
    if (this.#bytes > this.#maxBytes) this.release();
  }

  /** Hands over what is held, and from now on everything at once. */
  release(): void {
    this.#isReleased = true;
    const held = this.#held;
    this.#held = [];
    for (const event of held) this.#handOver(event);
  }
}
