import { SequenceNotHeldError } from "../../shared/errors.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import { firstHeld, type Tail } from "../../shared/queue/tail.ts";
import { findByTime, type PageFactsSource } from "../../shared/queue/timeSearch.ts";
import type { CursorGap } from "../../shared/sessions/cursor.ts";

/** As a caller names a place in a feed. `time` is ISO 8601. */
export type Position = "tail" | "head" | Sequence | { readonly time: string };

/** Where a session is to stand. */
export interface Place {
  readonly next: Sequence;
  /** Messages that were asked for and are freed. */
  readonly gap?: CursorGap | undefined;
}

/**
 * The place that a caller names: "tail" is the next message to be appended, "head" the first one still held, a time the
 * first message that was appended then or later. Nobody can say which of the freed messages a time would have included,
 * so a gap begins with the feed's first message.
 * @throws SequenceNotHeldError when the number is neither held nor the next one
 */
export async function resolvePosition(
  pages: PageFactsSource,
  position: Position,
  tail: Tail,
): Promise<Place> {
  const firstHeldNumber = firstHeld(tail);
  if (position === "tail") return { next: tail.next };
  if (position === "head") return { next: firstHeldNumber };
  if (typeof position === "object") {
    const { next, mayBeFreed } = await findByTime(pages, tail, Date.parse(position.time));
    const gap = { first: 1, last: next - 1, reason: "retention" as const };
    return mayBeFreed ? { next, gap } : { next };
  }
  if (position < firstHeldNumber || position > tail.next)
    throw new SequenceNotHeldError({
      feed: tail.feed,
      sequence: position,
      head: firstHeldNumber,
      tail: tail.next - 1,
    });
  return { next: position };
}
