import type { SpoolRecord } from "../spool.ts";

/** Gap records that the spool itself writes. */
export interface SpoolGap {
  /**
   * - `spool-full`: the limits removed the records.
   * - `spool-corrupt`: the file was damaged and moved aside, with the records that it still had.
   * - `producer-conflict`: the relay knows other events under this producer's name, as after a spool was copied. Events
   *   before the gap may be missing.
   */
  readonly reason: "spool-full" | "spool-corrupt" | "producer-conflict";
  readonly gap: string;
  readonly fromEpochMillis: number;
  readonly toEpochMillis: number;
  /** Lost records; undefined when nobody can know. */
  readonly count: number | undefined;
}

export function gapRecord(
  { reason, gap, fromEpochMillis, toEpochMillis, count }: SpoolGap,
  nowEpochMillis: number,
): SpoolRecord {
  const event = {
    type: "RelayGap",
    timestamp: iso(nowEpochMillis),
    reason,
    gap,
    from: iso(fromEpochMillis),
    to: iso(toEpochMillis),
    epochBefore: null,
    epochAfter: null,
    ...(count === undefined ? {} : { count }),
  };
  return {
    format: "stasis",
    body: Buffer.from(JSON.stringify(event)),
    receivedAtEpochMillis: nowEpochMillis,
  };
}

function iso(epochMillis: number): string {
  return new Date(epochMillis).toISOString();
}
