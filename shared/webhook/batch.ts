import { type MessageFormat, type NumberedMessage, renderGap, renderMessages } from "../queue/message.ts";
import { lastOf, type Page } from "../queue/page.ts";
import { type Cursor, isInterested } from "../sessions/cursor.ts";
import type { Selection } from "../sessions/selection.ts";

/** One request's worth of messages, or of none when the session wants nothing of what it passes. */
export interface Batch {
  /** The same on every try of the same batch. */
  readonly id: string;
  /** The last number that the cursor passes with this batch. */
  readonly last: number;
  readonly messages: readonly NumberedMessage[];
  /** When the last message was appended; of a gap, when it was told. */
  readonly appendedAtEpochMillis: number;
  /** The batch tells of the cursor's gap and moves nothing. */
  readonly tellsGap: boolean;
}

/** Bounds one request beside the session's own `maxBatch`. */
export const MAX_BATCH_BYTES = 512 * 1024;

type Position = Pick<Cursor, "session" | "generation" | "next" | "batchLast" | "gap">;

/**
 * Plans the next batch from consecutive pages, the first of which holds `cursor.next`.
 *
 * A batch is whole pages while they fit into `maxBatch`; a page with more matching messages than that is cut after
 * each `maxBatch` of them, counted from the page's beginning. A batch that was begun before (`batchLast`) is repeated
 * exactly, however many pages have come since. Undefined when there are no pages.
 */
export function planBatch(
  cursor: Position,
  pages: readonly Page[],
  selection: Selection,
  maxBatch: number,
): Batch | undefined {
  const [firstPage] = pages;
  if (firstPage === undefined) return undefined;
  const last = cursor.batchLast ?? batchEnd(cursor.next, pages, selection, maxBatch);
  const messages = pages.flatMap((page) => matching(page, cursor.next, last, selection));
  const lastPage = pages.findLast(({ first }) => first <= (messages.at(-1)?.sequence ?? last)) ?? firstPage;
  return {
    id: batchId(cursor, `${cursor.next}-${last}`),
    last,
    messages,
    appendedAtEpochMillis: lastPage.appendedAtEpochMillis,
    tellsGap: false,
  };
}

/** The batch that tells a session what it will never get. */
export function planGap(
  cursor: Position & { gap: NonNullable<Cursor["gap"]> },
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

function batchId({ session, generation }: Position, range: string): string {
  return `${session}-${generation}-${range}`;
}

function batchEnd(next: number, pages: readonly Page[], selection: Selection, maxBatch: number): number {
  let end = next - 1;
  let messages = 0;
  let bytes = 0;
  for (const page of pages) {
    const sequences = matching(page, page.first, lastOf(page), selection).map(({ sequence }) => sequence);
    const firstWanted = sequences.findIndex((sequence) => sequence >= next);
    const wanted = firstWanted < 0 ? 0 : sequences.length - firstWanted;
    if (sequences.length > maxBatch && wanted > 0) {
      if (messages > 0) break;
      const cut = sequences[(Math.floor(firstWanted / maxBatch) + 1) * maxBatch];
      if (cut !== undefined) return cut - 1;
    }
    if (messages > 0 && (messages + wanted > maxBatch || bytes + page.textBytes > MAX_BATCH_BYTES)) break;
    messages += wanted;
    bytes += wanted > 0 ? page.textBytes : 0;
    end = lastOf(page);
  }
  return end;
}

function matching(page: Page, next: number, last: number, selection: Selection): NumberedMessage[] {
  if (!isInterested(selection, page.names)) return [];
  const from = Math.max(0, next - page.first);
  return page.messages.slice(from, Math.max(0, last - page.first + 1)).flatMap((message, index) => {
    const sequence = page.first + from + index;
    return selection.wants(message) ? [{ sequence, message }] : [];
  });
}

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
