/** About the duration of a put and a read of the tail. */
const BASE_MILLIS = 10;
const LONGEST_MILLIS = 500;

/**
 * The pause of a writer that lost a number to another writer, before it reads the tail and retries. Without a pause, all
 * writers of a feed retry at once, one of them wins, and the other puts are wasted: 10 writers made 4.3 puts per page.
 * Full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter") keeps them apart.
 * @param racesLost in a row, at least 1
 * @param random uniform in [0, 1)
 */
export function racePauseMillis(racesLost: number, random: number): number {
  return random * Math.min(LONGEST_MILLIS, BASE_MILLIS * 2 ** racesLost);
}
