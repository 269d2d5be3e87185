import type { SourceEvent } from "./source.ts";
import type { MemoryChanges } from "./truth/memory.ts";

/**
 * The spool port: the bridge's only durable thing. One spool per feed. The SQLite implementation lives in bridge/spool/
 * and works in a thread of its own, because reading a PBX never waits for the disk.
 *
 * Positions are consecutive in the order of shipping, without holes. What the limits remove was never handed out by
 * `read`, so it never had a position in the relay: its gap record stands in its place, and the records behind it move
 * up. So the relay sees no jump, and a loss is reported once, by the gap record.
 */
export interface Spool {
  /** The producer's name in the feed. A new spool file is a new producer. */
  readonly producer: string;
  /**
   * Stores the records in order, and the changes of the memory, in one transaction. When it returns, they survive a
   * power cut.
   * @throws SpoolError when the disk refuses, or when the spool is full and its policy is `block`
   */
  append(records: readonly SpoolRecord[], changes?: MemoryChanges): Appended;
  /** What `append` was given to remember. Empty in a new spool. */
  memory(): ReadonlyMap<string, string>;
  /** The oldest records that were not acknowledged yet, of one format, up to the limits; at least one if there is any. */
  read(limit: ReadLimit): SpoolBatch;
  /** Deletes everything up to a position: the relay has it. Refused records move to the table of refused events. */
  acknowledge(answer: Acknowledgement): void;
  /** Takes a new producer's name, because the relay knows other events under the old one, and stores a gap record. */
  renewProducer(): void;
  /** Applies the limit of age. `append` does it too. */
  expire(): void;
  measure(): SpoolMeasure;
  close(): void;
}

/** A spool that works in another thread. The calls are done in their order. */
export interface AsyncSpool {
  append(records: readonly SpoolRecord[], changes?: MemoryChanges): Promise<Appended>;
  memory(): Promise<ReadonlyMap<string, string>>;
  read(limit: ReadLimit): Promise<SpoolBatch>;
  acknowledge(answer: Acknowledgement): Promise<void>;
  renewProducer(): Promise<void>;
  /** As it was after the last call. */
  measure(): SpoolMeasure;
  close(): Promise<void>;
}

/** A source's event, or a record of the bridge itself (a gap, a snapshot), which is Stasis JSON. */
export type SpoolRecord = SourceEvent;

export interface ReadLimit {
  readonly records: number;
  readonly bytes: number;
}

export interface SpoolBatch {
  readonly producer: string;
  /** The position of the first record. The others follow without holes. */
  readonly position: number;
  readonly records: readonly SpoolRecord[];
}

export interface Acknowledgement {
  /** The producer of the batch. Ignored if the spool has another one by now. */
  readonly producer: string;
  /** The last position that the relay has. */
  readonly position: number;
  readonly refused: readonly RefusedRecord[];
  /**
   * Set when the relay refused every record of a request and so wrote nothing: it does not know these positions, and the
   * records that follow take them. Otherwise it would report a gap before them.
   */
  readonly positionsAreUnused?: boolean;
}

export interface RefusedRecord {
  readonly position: number;
  readonly reason: string;
}

export interface Appended {
  /** Records that the limits removed to make room. Their gap record is stored in their place. */
  readonly dropped: number;
}

export interface SpoolMeasure {
  readonly producer: string;
  /** Everything up to this position was acknowledged. */
  readonly acknowledged: number;
  readonly records: number;
  /** The size of the bodies. */
  readonly bytes: number;
  readonly oldestReceivedAtEpochMillis: number | undefined;
  /** Refused records that are kept. */
  readonly refused: number;
  /** Records that the limits have removed since the file was made. */
  readonly dropped: number;
}
