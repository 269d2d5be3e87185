import { type MessageFormat, renderMessages } from "../queue/message.ts";
import type { Batch } from "../sessions/batch.ts";
import type { Cursor } from "../sessions/cursor.ts";

/**
 * The request body. `first` and `last` are the numbers of the first and last message in it (of the gap, when it tells
 * one); `previous` is the last number sent to this session before them, so that a receiver that keeps `last` can prove
 * that it missed nothing, whatever its filter leaves out.
 */
export function webhookBody(
  cursor: Pick<Cursor, "feed" | "session" | "fence" | "previous" | "gap">,
  batch: Batch,
  format: MessageFormat,
): string {
  const first = batch.tellsGap && cursor.gap ? cursor.gap.first : batch.messages[0]?.sequence;
  const last = batch.messages.at(-1)?.sequence;
  const head = `"feed":${JSON.stringify(cursor.feed)},"session":${JSON.stringify(cursor.session)}`;
  const numbers = `"epoch":${cursor.fence},"first":${first},"last":${last},"previous":${cursor.previous}`;
  return `{${head},${numbers},"messages":${renderMessages(batch.messages, format)}}`;
}
