import type { NumberedMessage } from "../queue/message.ts";
import type { Page } from "../queue/page.ts";
import type { Sequence } from "../queue/sequence.ts";
import { isInterested } from "./cursor.ts";
import type { Selection } from "./selection.ts";

/** The messages of a page from `next` to `last` that a session wants. */
export function matching(
  page: Page,
  next: Sequence,
  last: Sequence,
  selection: Selection,
): NumberedMessage[] {
  if (!isInterested(selection, page.names)) return [];
  const from = Math.max(0, next - page.first);
  return page.messages.slice(from, Math.max(0, last - page.first + 1)).flatMap((message, index) => {
    const sequence = page.first + from + index;
    return selection.wants(message) ? [{ sequence, message }] : [];
  });
}
