import { RelayError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";

/** The pauses double from the first to the longest. Together they take about nine seconds, less than any timeout. */
const FIRST_PAUSE_MILLIS = 25;
const LONGEST_PAUSE_MILLIS = 2_000;
const TRIES = 11;

/**
 * A throttled table leaves items of a batch call unprocessed. An immediate retry would keep the table throttled. So
 * the rest is retried after growing pauses, a limited number of times.
 * @param attempt makes one call and returns the unprocessed items
 * @throws RelayError (retryable) when items are left after the last attempt
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
