import { type MessageFormat, renderMessages } from "../queue/message.ts";
import type { Batch } from "../sessions/batch.ts";
import type { Cursor } from "../sessions/cursor.ts";

/**
 * The request body. `first` and `last` are the numbers of its first and last message, or of the gap that it reports.
 * `previous` is the last number sent to this session before. A receiver that stores `last` can thus prove that it
 * missed nothing, whatever its filter omits.
 */
export function webhookBody(
  cursor: Pick<Cursor, "feed" | "session" | "fence" | "previous" | "gap">,
  batch: Batch,
  format: MessageFormat,
): string {
  const first = batch.tellsGap && cursor.gap ? cursor.gap.first : batch.messages[0]?.sequence;
  const last = batch.messages.at(-1)?.sequence;
  const names = `"feed":${JSON.stringify(cursor.feed)},"session":${JSON.stringify(cursor.session)}`;
  const numbers = `"epoch":${cursor.fence},"first":${first},"last":${last},"previous":${cursor.previous}`;
  return `{${names},${numbers},"messages":${renderMessages(batch.messages, format)}}`;
}
