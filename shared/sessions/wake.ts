import { FenceLostError, RelayError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Cursor, type CursorChange, signal } from "./cursor.ts";

export interface WakeParts {
  readonly wakes: { sendWakes(cursors: readonly Cursor[]): Promise<Cursor[]> };
  readonly cursors: { write(cursor: Cursor, change: CursorChange): Promise<Cursor> };
  readonly clock: Clock;
}

/**
 * Wakes parked sessions: first the wake, then the mark. The other way round, a crash between the two leaves a row that
 * says "signalled" with no wake under way. The mark names the fence that was read, because deliver may have taken the
 * row and parked it again meanwhile, and a mark on that newer rest would hide the next page's wake.
 * @throws RelayError (retryable) when SQS did not take all wakes; rows without a wake stay parked.
 */
export async function wakeParked(parts: WakeParts, parked: readonly Cursor[]): Promise<void> {
  const woken = await parts.wakes.sendWakes(parked);
  await Promise.all(woken.map((cursor) => markSignalled(parts, cursor)));
  if (woken.length < parked.length)
    throw new RelayError("wake.not-sent", `${parked.length - woken.length} wakes could not be sent`, {
      retryable: true,
    });
}

async function markSignalled({ cursors, clock }: WakeParts, cursor: Cursor): Promise<void> {
  try {
    await cursors.write(cursor, signal(clock.nowEpochMillis()));
  } catch (error) {
    // Deliver was faster than the mark: the row is no longer the one that was woken.
    if (!(error instanceof FenceLostError)) throw error;
  }
}
