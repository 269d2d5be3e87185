/** About what a put and the read of the tail take. */
const BASE_MILLIS = 10;
const LONGEST_MILLIS = 500;

/**
 * How long a writer waits that has lost a number to another one, before it reads the tail and tries again. Without it
 * all writers of a feed return at once, one of them wins, and the puts of the others are paid for in vain: 10 writers
 * made 4.3 puts a page. Full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter") lets them miss each other.
 * @param racesLost in a row, at least 1
 * @param random uniform in [0, 1)
 */
export function racePauseMillis(racesLost: number, random: number): number {
  return random * Math.min(LONGEST_MILLIS, BASE_MILLIS * 2 ** racesLost);
}
