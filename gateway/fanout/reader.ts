import type { Sequence } from "../../shared/queue/sequence.ts";
import type { CursorGap } from "../../shared/sessions/cursor.ts";
import type { View } from "./view.ts";
import type { Slice } from "./viewBytes.ts";

/** One connection as its feed sees it: a position, and a place to write to. */
export interface Reader {
  /** The first number that it has not taken. */
  readonly next: Sequence;
  readonly view: View;
  /** Whether it takes something now. When it does again, it calls `FeedFanout.resume`. */
  readonly isReady: boolean;
  /**
   * Takes the slices of the messages below `next`, in order. It may stop after any of them; its position then says where.
   * Without slices, only the position moves.
   */
  take(slices: readonly Slice[], next: Sequence): void;
  /** Tells the client of messages that it will not get, and goes on after them. */
  skip(gap: CursorGap): void;
  /** The feed cannot be read for this reader: the connection must end. */
  fail(error: unknown): void;
}
