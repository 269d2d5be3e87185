import { renderGap } from "../queue/message.ts";
import type { Cursor, CursorGap } from "./cursor.ts";
import type { Batch } from "./outlet.ts";

/** What a batch's id is made of: the same messages, sent to the same session, have the same id. */
export function batchId(
  { session, generation }: Pick<Cursor, "session" | "generation">,
  range: string,
): string {
  return `${session}-${generation}-${range}`;
}

/** The batch that reports to a session what it will never get. */
export function planGap(
  cursor: Pick<Cursor, "session" | "generation" | "next"> & { gap: CursorGap },
  atEpochMillis: number,
): Batch {
  const { first, last, reason } = cursor.gap;
  const message = renderGap(reason, { first, last }, atEpochMillis);
  return {
    id: batchId(cursor, `gap-${first}-${last}`),
    last: cursor.next - 1,
    messages: [{ sequence: last, message }],
    appendedAtEpochMillis: atEpochMillis,
    tellsGap: true,
  };
}
