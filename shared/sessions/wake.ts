import { RelayError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Cursor, type CursorChange, repeatWake, signal } from "./cursor.ts";
import type { SessionKind } from "./session.ts";
import { unlessChanged } from "./unlessChanged.ts";

/** Whether sessions of a kind are woken through SQS. Other kinds follow their feed by themselves. */
const WOKEN_BY_QUEUE: Readonly<Record<SessionKind, boolean>> = { webhook: true, ami: false };

/** Whether notify and the sweep wake this session. */
export function isWokenByQueue({ kind = "webhook" }: Pick<Cursor, "kind">): boolean {
  return WOKEN_BY_QUEUE[kind];
}

export interface WakeParts {
  readonly wakes: { sendWakes(cursors: readonly Cursor[]): Promise<Cursor[]> };
  readonly cursors: { write(cursor: Cursor, change: CursorChange): Promise<Cursor> };
  readonly clock: Clock;
}

/**
 * Rows in progress at once. With all 10,000 rows of a large feed at once, most requests waited for a connection longer
 * than their timeout and were retried, and the function timed out before it had marked the rows.
 */
const ROWS_AT_ONCE = 100;

/**
 * Wakes parked sessions: sends the wakes, then marks the rows. In the other order, a crash between the two would leave
 * a signalled row without a wake in flight. The mark names the fence that was read, because deliver may have taken and
 * parked the row again since, and a mark on the newly parked row would suppress the next page's wake.
 * @throws RelayError (retryable) when SQS did not take all wakes; rows without a wake stay parked.
 */
export function wakeParked(parts: WakeParts, parked: readonly Cursor[]): Promise<void> {
  return wakeAndWrite(parts, parked, (_cursor, nowEpochMillis) => signal(nowEpochMillis));
}

/**
 * Re-sends wakes that seem lost and counts this in the rows: each time, the sweep waits longer before the next re-send.
 * @throws RelayError (retryable) when SQS did not take all wakes
 */
export function wakeAgain(parts: WakeParts, waiting: readonly Cursor[]): Promise<void> {
  return wakeAndWrite(parts, waiting, repeatWake);
}

function wakeAndWrite(
  parts: WakeParts,
  rows: readonly Cursor[],
  changeOf: (cursor: Cursor, nowEpochMillis: number) => CursorChange,
): Promise<void> {
  return wakeAndMark(
    rows,
    (some) => parts.wakes.sendWakes(some),
    // Deliver may be faster than the mark. Then the row has changed and needs no mark.
    (cursor) => unlessChanged(parts.cursors.write(cursor, changeOf(cursor, parts.clock.nowEpochMillis()))),
  );
}

/**
 * Sends the wakes for rows, then marks those rows.
 * @param send returns the rows whose wake was sent
 * @throws RelayError (retryable) when SQS did not take all wakes
 */
export async function wakeAndMark<Row>(
  rows: readonly Row[],
  send: (rows: readonly Row[]) => Promise<readonly Row[]>,
  mark: (row: Row) => Promise<unknown>,
): Promise<void> {
  let woken = 0;
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    const some = rows.slice(from, from + ROWS_AT_ONCE);
    const sent = await send(some);
    await Promise.all(sent.map(mark));
    woken += sent.length;
  }
  if (woken < rows.length)
    throw new RelayError("wake.not-sent", `${rows.length - woken} wakes could not be sent`, {
      retryable: true,
    });
}
