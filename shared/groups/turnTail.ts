import { PageUnreadableError } from "../errors.ts";
import type { Follower } from "../queue/follower.ts";
import { lastOf } from "../queue/page.ts";
import { type Sequence, segmentOf } from "../queue/sequence.ts";

/** A read that found so many pages was probably cut off: then the next one does not wait for a tick. */
const MANY_PAGES = 20;

/** What a turn knows of the end of its feed's queue. */
export class TurnTail {
  readonly #follower: Pick<Follower, "mark" | "readThrough">;
  readonly #segmentSize: number;
  #last: Sequence = 0;
  #mark = 0;
  #hasMore = false;

  constructor(follower: Pick<Follower, "mark" | "readThrough">, segmentSize: number) {
    this.#follower = follower;
    this.#segmentSize = segmentSize;
  }

  /** The last number that is known to be appended. */
  get last(): Sequence {
    return this.#last;
  }

  /** Taken before the last read, for the tick after it. */
  get mark(): number {
    return this.#mark;
  }

  /** Whether the last read found so much that there is probably more. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  /**
   * Reads the pages behind a number that is known to be appended, strongly consistent.
   * @returns whether more is known than before
   */
  async readAfter(known: Sequence): Promise<boolean> {
    this.#mark = this.#follower.mark();
    const { last, hasMore } = await this.#lastAfter(known);
    this.#hasMore = hasMore;
    if (last <= this.#last) return false;
    this.#last = last;
    return true;
  }

  async #lastAfter(known: Sequence): Promise<{ last: Sequence; hasMore: boolean }> {
    try {
      const pages = await this.#follower.readThrough(known + 1);
      const last = pages.at(-1);
      if (last === undefined) return { last: known, hasMore: false };
      // A read ends with its segment.
      const isWholeSegment =
        segmentOf(lastOf(last) + 1, this.#segmentSize) > segmentOf(last.first, this.#segmentSize);
      return { last: lastOf(last), hasMore: pages.length >= MANY_PAGES || isWholeSegment };
    } catch (error) {
      // The sessions that come to the page stop there. It must not stop those that are behind it.
      if (error instanceof PageUnreadableError)
        return { last: Math.max(known, Number(error.facts.first)), hasMore: false };
      throw error;
    }
  }
}
