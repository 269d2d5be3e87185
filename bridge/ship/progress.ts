import type { WaitingState } from "./retryRules.ts";

/** What the shipper does, as plain data for metrics, readiness and logs. */
export interface ShipperProgress extends ShipperSituation, ShipperCounts {}

export interface ShipperSituation {
  /** `spool`: the spool cannot be read or written. */
  readonly state: "idle" | "sending" | WaitingState | "spool" | "stopped";
  /** Undefined again after the next success. */
  readonly lastError?: ShipperFailure | undefined;
  readonly lastAcceptedAtEpochMillis?: number;
  /** Of the last request that was accepted. */
  readonly lastRequestMillis?: number;
}

interface ShipperCounts {
  /** Records in the feed. */
  readonly shipped: number;
  /** Shipped records that an earlier request had brought already. */
  readonly duplicates: number;
  readonly refused: number;
  readonly requests: number;
  readonly failures: number;
  /** Bytes of bodies, as sent. */
  readonly sentBytes: number;
  /** New producer names, taken because the relay knew other events under the old one. */
  readonly conflicts: number;
}

export interface ShipperFailure {
  readonly code: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly atEpochMillis: number;
  /** The next attempt. */
  readonly retryAtEpochMillis: number;
}

export const NO_COUNTS: ShipperCounts = {
  shipped: 0,
  duplicates: 0,
  refused: 0,
  requests: 0,
  failures: 0,
  sentBytes: 0,
  conflicts: 0,
};
