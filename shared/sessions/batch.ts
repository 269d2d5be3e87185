import { type NumberedMessage, renderGap } from "../queue/message.ts";
import type { Sequence } from "../queue/sequence.ts";
import type { Cursor, CursorGap } from "./cursor.ts";

/** The messages of one request. There are none when the session wants none of the messages that it passes. */
export interface Batch {
  /** The same on every attempt at the same batch. */
  readonly id: string;
  /** The last number that the cursor passes with this batch. */
  readonly last: Sequence;
  readonly messages: readonly NumberedMessage[];
  /** When the last message was appended; for a gap, when it was reported. */
  readonly appendedAtEpochMillis: number;
  /** The batch reports the cursor's gap and moves nothing. */
  readonly tellsGap: boolean;
}

/** A batch's id: the same messages, sent to the same session, have the same id. */
export function batchId(
  { session, generation }: Pick<Cursor, "session" | "generation">,
  range: string,
): string {
  return `${session}-${generation}-${range}`;
}

/** The batch that reports the cursor's gap to the session. */
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
