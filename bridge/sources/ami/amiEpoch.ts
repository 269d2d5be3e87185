const QUARTER_MILLIS = 15 * 60 * 1000;

/** What Manager tells of its start, from CoreStatus, FullyBooted and Ping. */
export interface StartClues {
  /** `2026-11-23`, in the PBX's time zone. */
  readonly startupDate: string;
  /** `07:59:41`. */
  readonly startupTime: string;
  /** Seconds since the start (FullyBooted). Undefined when the user may not read the class system. */
  readonly uptimeSeconds: number | undefined;
  /** The PBX's clock when it told the uptime, in epoch milliseconds (Ping). */
  readonly pbxEpochMillis: number | undefined;
  /** Minutes that the bridge's own time zone is ahead of UTC at a local time of the PBX. */
  readonly localOffsetMinutes: number;
}

/**
 * When Asterisk started, to the second, and always the same for the same start. CoreStatus has the time without a zone.
 * The PBX's clock and uptime tell the zone, to a quarter of an hour; without them the bridge's own zone is taken, which
 * may be wrong by hours, but not differently from one connection to the next. Undefined if the texts are no time.
 * Asterisk: main/manager.c, `action_corestatus`, `action_login`.
 */
export function startedAt(clues: StartClues): number | undefined {
  const asUtc = Date.parse(`${clues.startupDate}T${clues.startupTime}Z`);
  if (Number.isNaN(asUtc)) return undefined;
  const { uptimeSeconds, pbxEpochMillis } = clues;
  if (uptimeSeconds === undefined || pbxEpochMillis === undefined)
    return asUtc - clues.localOffsetMinutes * 60_000;
  const about = pbxEpochMillis - uptimeSeconds * 1000;
  return asUtc - Math.round((asUtc - about) / QUARTER_MILLIS) * QUARTER_MILLIS;
}

/** Minutes that this process's time zone is ahead of UTC at a local time. */
export function localOffsetMinutes(date: string, time: string): number {
  const local = new Date(`${date}T${time}`);
  return Number.isNaN(local.getTime()) ? 0 : -local.getTimezoneOffset();
}
