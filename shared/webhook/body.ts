import { type MessageFormat, renderMessages } from "../queue/message.ts";
import type { Sequence } from "../queue/sequence.ts";
import type { Batch } from "../sessions/batch.ts";
import type { Cursor } from "../sessions/cursor.ts";

/**
 * The request body. `first` and `last` are the numbers of its first and last message, or of the gap that it reports.
 * `previous` is the last number sent to this session before. A receiver that stores `last` can thus prove that it
 * missed nothing, whatever its filter omits.
 */
export function webhookBody(
  cursor: Pick<Cursor, "feed" | "session" | "fence" | "previous" | "gap" | "next">,
  batch: Batch,
  format: MessageFormat,
): string {
  const { first, last } = rangeOf(cursor, batch);
  const names = `"feed":${JSON.stringify(cursor.feed)},"session":${JSON.stringify(cursor.session)}`;
  const numbers = `"epoch":${cursor.fence},"first":${first},"last":${last},"previous":${cursor.previous}`;
  return `{${names},${numbers},"messages":${renderMessages(batch.messages, format)}}`;
}

/** The numbers of a request's first and last message, or of the gap that it reports. */
export function rangeOf(
  { gap, next }: Pick<Cursor, "gap" | "next">,
  { tellsGap, messages }: Batch,
): { first: Sequence; last: Sequence } {
  const first = messages[0]?.sequence ?? next;
  return { first: tellsGap && gap ? gap.first : first, last: messages.at(-1)?.sequence ?? first };
}
