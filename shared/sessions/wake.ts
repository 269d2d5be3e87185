import { RelayError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Cursor, type CursorChange, repeatWake, signal } from "./cursor.ts";
import type { SessionKind } from "./session.ts";
import { unlessChanged } from "./unlessChanged.ts";

/** Whether sessions of a kind are woken over SQS. Others follow their feed by themselves. */
const WOKEN_BY_QUEUE: Readonly<Record<SessionKind, boolean>> = { webhook: true };

/** Whether notify and the sweep wake the session. */
export function isWokenByQueue({ kind = "webhook" }: Pick<Cursor, "kind">): boolean {
  return WOKEN_BY_QUEUE[kind];
}

export interface WakeParts {
  readonly wakes: { sendWakes(cursors: readonly Cursor[]): Promise<Cursor[]> };
  readonly cursors: { write(cursor: Cursor, change: CursorChange): Promise<Cursor> };
  readonly clock: Clock;
}

/**
 * Rows that are worked on side by side. With all 10,000 of a large feed at once, most waited for a connection longer
 * than a request may take, were tried again, and the function ran out of time before it had marked them.
 */
const ROWS_AT_ONCE = 100;

/**
 * Wakes parked sessions: first the wake, then the mark. The other way round, a crash between the two leaves a row that
 * says "signalled" with no wake under way. The mark names the fence that was read, because deliver may have taken the
 * row and parked it again meanwhile, and a mark on that newer rest would hide the next page's wake.
 * @throws RelayError (retryable) when SQS did not take all wakes; rows without a wake stay parked.
 */
export function wakeParked(parts: WakeParts, parked: readonly Cursor[]): Promise<void> {
  return wakeAndWrite(parts, parked, (_cursor, nowEpochMillis) => signal(nowEpochMillis));
}

/**
 * Sends wakes again that seem to be lost, and writes that it did: the next time they are waited for longer.
 * @throws RelayError (retryable) when SQS did not take all wakes
 */
export function wakeAgain(parts: WakeParts, waiting: readonly Cursor[]): Promise<void> {
  return wakeAndWrite(parts, waiting, repeatWake);
}

async function wakeAndWrite(
  parts: WakeParts,
  rows: readonly Cursor[],
  changeOf: (cursor: Cursor, nowEpochMillis: number) => CursorChange,
): Promise<void> {
  // Deliver may be faster than the mark; then the row is no longer the one that was woken.
  const mark = (cursor: Cursor) =>
    unlessChanged(parts.cursors.write(cursor, changeOf(cursor, parts.clock.nowEpochMillis())));
  let woken = 0;
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    const some = rows.slice(from, from + ROWS_AT_ONCE);
    const sent = await parts.wakes.sendWakes(some);
    await Promise.all(sent.map(mark));
    woken += sent.length;
  }
  if (woken < rows.length)
    throw new RelayError("wake.not-sent", `${rows.length - woken} wakes could not be sent`, {
      retryable: true,
    });
}
