import { SequenceNotHeldError } from "../../shared/errors.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import { firstHeld, type Tail } from "../../shared/queue/tail.ts";

/**
 * The next number of a session: "tail" is the next one to be appended, "head" the first one still held.
 * @throws SequenceNotHeldError when the number is neither held nor the next one
 */
export function resolvePosition(position: "tail" | "head" | Sequence, tail: Tail): Sequence {
  const firstHeldNumber = firstHeld(tail);
  if (position === "tail") return tail.next;
  if (position === "head") return firstHeldNumber;
  if (position < firstHeldNumber || position > tail.next)
    throw new SequenceNotHeldError({
      feed: tail.feed,
      sequence: position,
      head: firstHeldNumber,
      tail: tail.next - 1,
    });
  return position;
}
