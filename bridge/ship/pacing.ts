export interface Pace {
  /** So many records are sent at once. A page of 50 costs the relay as much as a page of one. */
  readonly fullAtRecords: number;
  /** The shortest time between two requests that are not full. */
  readonly lingerMillis: number;
  /** How long the first record after a pause waits for those that follow it. */
  readonly firstMillis: number;
}

export const PACE: Pace = { fullAtRecords: 50, lingerMillis: 200, firstMillis: 20 };

/**
 * How long to wait before the next request; undefined when there is nothing to send. No record waits longer than
 * `lingerMillis`, and one after a pause only `firstMillis`.
 * @param waitedMillis since the first record that waits
 * @param sinceSentMillis since the last request began
 */
export function waitBeforeSending(
  records: number,
  { waitedMillis, sinceSentMillis }: { readonly waitedMillis: number; readonly sinceSentMillis: number },
  { fullAtRecords, lingerMillis, firstMillis }: Pace = PACE,
): number | undefined {
  if (records === 0) return undefined;
  if (records >= fullAtRecords) return 0;
  return Math.max(0, firstMillis - waitedMillis, lingerMillis - sinceSentMillis);
}
