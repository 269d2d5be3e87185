/** Two deliveries closer together than this show that the feed is busy and lingering pays. */
const BUSY_GAP_MILLIS = 2_000;

/** Whether a session's feed is busy. @param beforeEpochMillis its delivery before this one */
export function isFeedBusy(beforeEpochMillis: number | undefined, nowEpochMillis: number): boolean {
  return beforeEpochMillis !== undefined && nowEpochMillis - beforeEpochMillis < BUSY_GAP_MILLIS;
}
