import type { SourceEvent } from "./source.ts";

/**
 * The spool port: the bridge's only durable thing. One spool per feed. `shared` code knows nothing of it; the SQLite
 * implementation lives in bridge/spool/.
 */
export interface Spool {
  /** The producer's name in the feed. A new spool file is a new producer. */
  readonly producer: string;
  /**
   * Stores the records in order in one transaction and gives each the next position. Synchronous: when it returns, the
   * records survive a power cut.
   * @throws SpoolError when the disk refuses (full, read-only, corrupt)
   */
  append(records: readonly SpoolRecord[]): Appended;
  /** The oldest records that were not acknowledged yet, up to the limits. */
  read(limit: { readonly records: number; readonly bytes: number }): readonly StoredRecord[];
  /** Deletes everything up to `position`: the relay has it. Refused records move to the table of refused events. */
  acknowledge(position: number, refused: readonly RefusedRecord[]): void;
  measure(): SpoolMeasure;
  close(): void;
}

/** A source's event, or a record of the bridge itself (a gap, a snapshot), which is Stasis JSON. */
export type SpoolRecord = SourceEvent;

export interface StoredRecord extends SpoolRecord {
  readonly position: number;
}

export interface RefusedRecord {
  readonly position: number;
  readonly reason: string;
}

export interface Appended {
  readonly first: number;
  readonly last: number;
  /** Records that the limits removed to make room, oldest first. Their gap record is among the stored ones already. */
  readonly dropped: number;
}

export interface SpoolMeasure {
  readonly records: number;
  readonly bytes: number;
  readonly oldestReceivedAtEpochMillis: number | undefined;
  readonly refused: number;
}
