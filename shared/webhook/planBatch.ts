import type { NumberedMessage } from "../queue/message.ts";
import { lastOf, type Page } from "../queue/page.ts";
import type { Sequence } from "../queue/sequence.ts";
import type { Batch } from "../sessions/batch.ts";
import { batchId } from "../sessions/batch.ts";
import type { Cursor } from "../sessions/cursor.ts";
import type { Judge } from "../sessions/judge.ts";

/** Bounds one request, before any compression, in addition to the session's `maxBatch`. */
export const MAX_BATCH_BYTES = 512 * 1024;

type Position = Pick<Cursor, "session" | "generation" | "next" | "batchLast">;

/**
 * Plans the next batch from consecutive pages, the first of which holds `cursor.next`.
 *
 * A batch contains as many whole pages as fit into `maxBatch`. A page with more matching messages is cut after every
 * `maxBatch` of them, counted from the start of the page. A batch that was begun before (`batchLast`) is repeated
 * exactly, even if more pages were appended since. Undefined when there are no pages.
 * @throws FilterCostError, FilterBusyError
 */
export async function planBatch(
  cursor: Position,
  pages: readonly Page[],
  judge: Judge,
  maxBatch: number,
): Promise<Batch | undefined> {
  const [firstPage] = pages;
  if (firstPage === undefined) return undefined;
  const last = cursor.batchLast ?? (await batchEnd(cursor.next, pages, judge, maxBatch));
  const messages: NumberedMessage[] = [];
  for (const page of pages.filter(({ first }) => first <= last))
    for (const each of await judge(page))
      if (each.sequence >= cursor.next && each.sequence <= last) messages.push(each);
  const lastPage = pages.findLast(({ first }) => first <= (messages.at(-1)?.sequence ?? last)) ?? firstPage;
  return {
    id: batchId(cursor, `${cursor.next}-${last}`),
    last,
    messages,
    appendedAtEpochMillis: lastPage.appendedAtEpochMillis,
    tellsGap: false,
  };
}

async function batchEnd(
  next: Sequence,
  pages: readonly Page[],
  judge: Judge,
  maxBatch: number,
): Promise<Sequence> {
  let end = next - 1;
  let messages = 0;
  let bytes = 0;
  for (const page of pages) {
    const sequences = (await judge(page)).map(({ sequence }) => sequence);
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
