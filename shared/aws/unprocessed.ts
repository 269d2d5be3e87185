import { RelayError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";

/** The pauses double from the first to the longest; together about nine seconds, within any function's time. */
const FIRST_PAUSE_MILLIS = 25;
const LONGEST_PAUSE_MILLIS = 2_000;
const TRIES = 11;

/**
 * Batch calls answer with what they left undone when a table is throttled, and asking again at once keeps it
 * throttled. So the rest is tried again after growing pauses, and not for ever.
 * @param attempt does one call and returns what is left
 * @throws RelayError (retryable) when something is still left
 */
export async function untilProcessed<T>(
  items: readonly T[],
  attempt: (items: readonly T[]) => Promise<readonly T[]>,
  clock: Pick<Clock, "sleep">,
): Promise<void> {
  let left = items;
  for (let tries = 1; left.length > 0; tries += 1) {
    left = await attempt(left);
    if (left.length === 0) return;
    if (tries === TRIES)
      throw new RelayError("aws.unprocessed", `${left.length} items of a batch were left unprocessed`, {
        retryable: true,
      });
    await clock.sleep(Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS * 2 ** (tries - 1)));
  }
}
