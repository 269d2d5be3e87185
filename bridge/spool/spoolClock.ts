/** The clocks that a spool needs. */
export interface SpoolClock {
  nowEpochMillis(): number;
  /** The spool's own clock, for the age of records. It only runs forward, whatever happens to the wall clock. */
  spoolMillis(): number;
}

export interface Clocks {
  nowEpochMillis(): number;
  /** Milliseconds since some moment. Setting the wall clock does not change it. */
  monotonicMillis(): number;
}

/**
 * Continues the spool's clock where the file's last transaction left it. The time while the spool was closed is taken
 * from the wall clock; a wall clock that went back meanwhile counts as no time.
 */
export function spoolClock(
  last: { readonly clock_millis: number; readonly clock_wall_epoch_millis: number },
  { nowEpochMillis, monotonicMillis }: Clocks,
): SpoolClock {
  const closedMillis = Math.max(0, nowEpochMillis() - last.clock_wall_epoch_millis);
  const openedAt = monotonicMillis();
  return {
    nowEpochMillis,
    spoolMillis: () => Math.trunc(last.clock_millis + closedMillis + monotonicMillis() - openedAt),
  };
}
