export interface Backoff {
  readonly baseMillis: number;
  readonly maxMillis: number;
}

/** Fast enough for a PBX that restarts, slow enough for one that is away for a week. */
export const RECONNECT_BACKOFF: Backoff = { baseMillis: 500, maxMillis: 30_000 };

/**
 * The wait before the next attempt: anything between nothing and the exponential limit ("full jitter"), so that the
 * bridges of many PBXs do not come back in step.
 * @param failures attempts that failed in a row before this one, from 0
 * @param random from 0 to 1
 */
export function fullJitterMillis(
  failures: number,
  { baseMillis, maxMillis }: Backoff,
  random: number,
): number {
  return Math.floor(random * Math.min(maxMillis, baseMillis * 2 ** failures));
}
