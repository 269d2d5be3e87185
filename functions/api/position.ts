import { SequenceNotHeldError } from "../../shared/errors.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import { firstHeld, type Tail } from "../../shared/queue/tail.ts";

/**
 * Where a session is to stand: "tail" is what comes next, "head" the first message still held.
 * @throws SequenceNotHeldError when the number is neither held nor the next one
 */
export function resolvePosition(position: "tail" | "head" | Sequence, tail: Tail): Sequence {
  const head = firstHeld(tail);
  if (position === "tail") return tail.next;
  if (position === "head") return head;
  if (position < head || position > tail.next)
    throw new SequenceNotHeldError({ feed: tail.feed, sequence: position, head, tail: tail.next - 1 });
  return position;
}
