import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type {
  Acknowledgement,
  Appended,
  ReadLimit,
  Spool,
  SpoolBatch,
  SpoolMeasure,
  SpoolRecord,
} from "../spool.ts";
import type { MemoryChanges } from "../truth/memory.ts";
import { configure, createTables, hasTables } from "./schema.ts";
import { type Clocks, spoolClock } from "./spoolClock.ts";
import { isSpoolError, SpoolError, spoolErrorOf } from "./spoolError.ts";
import { SMALLEST_MAX_BYTES, type SpoolLimits } from "./spoolLimits.ts";
import { SpoolLock } from "./spoolLock.ts";
import { readState } from "./spoolState.ts";
import { SqliteSpool } from "./sqliteSpool.ts";

export interface OpenSpoolOptions {
  /** The spool's file. `spoolPath` makes it of a directory and a feed. */
  readonly path: string;
  readonly limits: SpoolLimits;
  /** The hard limit of the file, with its free pages and indexes; twice `maxBytes` and 64 MiB if absent. */
  readonly maxFileBytes?: number;
}

/** How long a reader such as `spool ls` may hold a write up, when it is the first or the last to use the file. */
const READER_MILLIS = 1000;

export interface OpenSpoolParts {
  readonly clocks: Clocks;
  readonly processId: number;
  /** A random name. */
  newName(): string;
  /** A damaged file was moved aside, and a new spool with a gap record stands in its place. */
  onCorrupt(moved: { readonly path: string; readonly movedTo: string; readonly error: SpoolError }): void;
}

/**
 * Opens a feed's spool, or makes it. The spool is this process's until it is closed. A damaged file is moved aside, now
 * or when the damage is found later; the new file is a new producer and begins with a gap record.
 * @throws SpoolError `locked`, `read-only`, `version`, `disk-full` or `io`
 */
export function openSpool(options: OpenSpoolOptions, parts: OpenSpoolParts): Spool {
  return new FeedSpool(options, parts);
}

class FeedSpool implements Spool {
  readonly #options: OpenSpoolOptions;
  readonly #parts: OpenSpoolParts;
  readonly #lock: SpoolLock;
  #spool: SqliteSpool;

  constructor(options: OpenSpoolOptions, parts: OpenSpoolParts) {
    const { path, limits } = options;
    if (limits.maxBytes < SMALLEST_MAX_BYTES)
      throw new RangeError(`a spool needs at least ${SMALLEST_MAX_BYTES} bytes, not ${limits.maxBytes}`);
    this.#options = options;
    this.#parts = parts;
    makeDirectory(path);
    this.#lock = SpoolLock.take(path, parts.processId);
    try {
      this.#spool = this.#openOrReplace();
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  get producer(): string {
    return this.#spool.producer;
  }

  append(records: readonly SpoolRecord[], changes?: MemoryChanges): Appended {
    return this.#recover((spool) => spool.append(records, changes));
  }

  memory(): ReadonlyMap<string, string> {
    return this.#recover((spool) => spool.memory());
  }

  read(limit: ReadLimit): SpoolBatch {
    return this.#recover((spool) => spool.read(limit));
  }

  acknowledge(answer: Acknowledgement): void {
    this.#recover((spool) => spool.acknowledge(answer));
  }

  renewProducer(): void {
    this.#recover((spool) => spool.renewProducer());
  }

  expire(): void {
    this.#recover((spool) => spool.expire());
  }

  measure(): SpoolMeasure {
    return this.#recover((spool) => spool.measure());
  }

  close(): void {
    this.#spool.close();
    this.#lock.release();
  }

  /** Does the work, on a new spool if this one turns out to be damaged. */
  #recover<T>(work: (spool: SqliteSpool) => T): T {
    try {
      return work(this.#spool);
    } catch (error) {
      if (!isSpoolError(error, "corrupt")) throw error;
      const lostFromEpochMillis = this.#fileBirth();
      this.#spool.close();
      this.#spool = this.#replace(error, lostFromEpochMillis);
      return work(this.#spool);
    }
  }

  #openOrReplace(): SqliteSpool {
    const lostFromEpochMillis = this.#fileBirth();
    try {
      return this.#open();
    } catch (error) {
      if (!isSpoolError(error, "corrupt")) throw error;
      return this.#replace(error, lostFromEpochMillis);
    }
  }

  #open(): SqliteSpool {
    const { path, limits, maxFileBytes = 2 * limits.maxBytes + 64 * 1024 * 1024 } = this.#options;
    const { clocks, newName } = this.#parts;
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path, { timeout: READER_MILLIS });
      const isNew = !hasTables(database, path);
      configure(database, maxFileBytes);
      if (isNew) createTables(database, { producer: newName(), nowEpochMillis: clocks.nowEpochMillis() });
      const clock = spoolClock(readState(database, path), clocks);
      return new SqliteSpool({ database, path, limits, clock, newName });
    } catch (error) {
      database?.close();
      throw spoolErrorOf(error, path);
    }
  }

  #replace(error: SpoolError, lostFromEpochMillis: number): SqliteSpool {
    const { path } = this.#options;
    const { clocks, newName, onCorrupt } = this.#parts;
    const nowEpochMillis = clocks.nowEpochMillis();
    const stamp = new Date(nowEpochMillis).toISOString().replace(/[:.]/g, "-");
    const movedTo = `${path}-corrupt-${stamp}`;
    for (const suffix of ["", "-wal", "-shm"])
      if (existsSync(path + suffix)) renameSync(path + suffix, movedTo + suffix);
    const spool = this.#open();
    spool.reportGap({
      reason: "spool-corrupt",
      gap: newName(),
      fromEpochMillis: Math.min(lostFromEpochMillis, nowEpochMillis),
      toEpochMillis: nowEpochMillis,
      count: undefined,
    });
    onCorrupt({ path, movedTo, error });
    return spool;
  }

  /** Everything in the file was stored after this. */
  #fileBirth(): number {
    return (
      statSync(this.#options.path, { throwIfNoEntry: false })?.birthtimeMs ||
      this.#parts.clocks.nowEpochMillis()
    );
  }
}

/** Call data is nobody else's business. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new SpoolError("read-only", `${dirname(path)}: the directory cannot be made`, { path }, cause);
  }
}
