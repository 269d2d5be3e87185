import type { DatabaseSync, StatementSync } from "node:sqlite";
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
import { gapRecord, type SpoolGap } from "./gapRecord.ts";
import { RefusedTable } from "./refusedTable.ts";
import { pragma } from "./schema.ts";
import type { SpoolClock } from "./spoolClock.ts";
import { SpoolError, spoolErrorOf } from "./spoolError.ts";
import {
  countWithin,
  isGapOpen,
  LimitKeeper,
  MAX_READ,
  type SpoolLimits,
  storedBytes,
} from "./spoolLimits.ts";
import { formatNumber, recordOf } from "./spoolRow.ts";
import { readState, type SpoolState, WRITE_STATE } from "./spoolState.ts";

export interface SqliteSpoolParts {
  readonly database: DatabaseSync;
  readonly path: string;
  readonly limits: SpoolLimits;
  readonly clock: SpoolClock;
  /** A random name: of a producer, or of a gap. */
  newName(): string;
}

/** Free pages beyond this are given back to the file system, a few with every acknowledgement. */
const KEPT_FREE_PAGES = 4096;
const PAGES_GIVEN_BACK = 512;

/** One feed's spool in one SQLite file. Every method is one transaction. */
export class SqliteSpool implements Spool {
  readonly #parts: SqliteSpoolParts;
  readonly #keeper: LimitKeeper;
  readonly #refused: RefusedTable;
  readonly #insert: StatementSync;
  readonly #front: StatementSync;
  readonly #oldest: StatementSync;
  readonly #idAt: StatementSync;
  readonly #deleteThrough: StatementSync;
  readonly #writeState: StatementSync;
  readonly #remember: StatementSync;
  readonly #forget: StatementSync;
  #state: SpoolState;
  #nextId: number;

  /** @throws SpoolError `corrupt` */
  constructor(parts: SqliteSpoolParts) {
    const { database, limits, newName, path } = parts;
    this.#parts = parts;
    this.#state = readState(database, path);
    this.#keeper = new LimitKeeper(database, limits, newName);
    this.#refused = new RefusedTable(database);
    this.#insert = database.prepare("INSERT INTO records VALUES (?, ?, ?, ?, ?)");
    this.#front = database.prepare(
      "SELECT id, format, received_at_epoch_millis, body FROM records ORDER BY id LIMIT ?",
    );
    this.#oldest = database.prepare("SELECT received_at_epoch_millis AS at FROM records ORDER BY id LIMIT 1");
    this.#idAt = database.prepare("SELECT id FROM records ORDER BY id LIMIT 1 OFFSET ?");
    this.#deleteThrough = database.prepare("DELETE FROM records WHERE id <= ?");
    this.#writeState = database.prepare(WRITE_STATE);
    this.#remember = database.prepare("INSERT OR REPLACE INTO memory VALUES (?, ?)");
    this.#forget = database.prepare("DELETE FROM memory WHERE key = ?");
    this.#nextId = numberIn(database.prepare("SELECT max(id) AS id FROM records").get(), "id") + 1;
  }

  get producer(): string {
    return this.#state.producer;
  }

  append(records: readonly SpoolRecord[], changes: MemoryChanges = new Map()): Appended {
    const droppedBefore = this.#state.dropped;
    let nextId = this.#nextId;
    this.#commit((state) => {
      const bytes = records.reduce((sum, { body }) => sum + storedBytes(body), 0);
      const { limits, path, clock } = this.#parts;
      const isOver = state.bytes + bytes > limits.maxBytes;
      if (isOver && limits.policy === "block")
        throw new SpoolError("full", `${path}: the spool has its limit of ${limits.maxBytes} bytes`, {
          path,
        });
      for (const { format, receivedAtEpochMillis, body } of records) {
        this.#insert.run(
          nextId,
          formatNumber(format),
          Math.trunc(receivedAtEpochMillis),
          state.clock_millis,
          body,
        );
        nextId += 1;
      }
      for (const [key, value] of changes)
        if (value === null) this.#forget.run(key);
        else this.#remember.run(key, value);
      const added = { ...state, records: state.records + records.length, bytes: state.bytes + bytes };
      return isOver ? this.#keeper.trim(added, clock.nowEpochMillis()) : added;
    });
    this.#nextId = nextId;
    return { dropped: this.#state.dropped - droppedBefore };
  }

  memory(): ReadonlyMap<string, string> {
    const rows = this.#guard(() => this.#parts.database.prepare("SELECT key, value FROM memory").all());
    return new Map(rows.map(({ key, value }) => [String(key), String(value)]));
  }

  read(limit: ReadLimit): SpoolBatch {
    const within = {
      records: Math.min(limit.records, MAX_READ.records),
      bytes: Math.min(limit.bytes, MAX_READ.bytes),
    };
    const { producer, acknowledged } = this.#state;
    const records: (SpoolRecord & { readonly id: number })[] = [];
    let bytes = 0;
    this.#guard(() => {
      for (const row of this.#front.iterate(within.records)) {
        const record = recordOf(row);
        const [first] = records;
        if (first !== undefined && record.format !== first.format) break;
        if (first !== undefined && record.id === this.#state.gap_record && isGapOpen(this.#state, first.id))
          break;
        records.push(record);
        bytes += record.body.length;
        if (bytes > within.bytes) break;
      }
    });
    const count = countWithin(
      records.map(({ body }) => body.length),
      within,
    );
    return { producer, position: acknowledged + 1, records: records.slice(0, count) };
  }

  acknowledge({ producer, position, refused, positionsAreUnused = false }: Acknowledgement): void {
    const { acknowledged, records } = this.#state;
    const count = position - acknowledged;
    if (producer !== this.producer || count <= 0) return;
    if (count > records) throw new RangeError(`position ${position} was never stored`);
    this.#commit((state) => {
      let changed = state;
      const { clock } = this.#parts;
      for (const each of refused)
        if (each.position > acknowledged && each.position <= position)
          changed = this.#refused.add(
            changed,
            { ...each, id: this.#idOf(each.position) },
            clock.nowEpochMillis(),
          );
      const lastId = this.#idOf(position);
      const bytes = this.#bytesThrough(lastId);
      this.#deleteThrough.run(lastId);
      return {
        ...changed,
        acknowledged: positionsAreUnused ? acknowledged : position,
        records: changed.records - count,
        bytes: changed.bytes - bytes,
        gap_record: changed.gap_record !== null && changed.gap_record <= lastId ? null : changed.gap_record,
      };
    });
    this.#giveBack();
  }

  renewProducer(): void {
    const nowEpochMillis = this.#parts.clock.nowEpochMillis();
    const gap = { fromEpochMillis: nowEpochMillis, toEpochMillis: nowEpochMillis, count: undefined };
    const producer = this.#parts.newName();
    this.#prepend({ reason: "producer-conflict", gap: this.#parts.newName(), ...gap }, { producer });
  }

  /** Stores a gap record in front of all records. */
  reportGap(gap: SpoolGap): void {
    this.#prepend(gap, {});
  }

  #prepend(gap: SpoolGap, change: Partial<SpoolState>): void {
    this.#commit((state) => {
      const { receivedAtEpochMillis, body } = gapRecord(gap, this.#parts.clock.nowEpochMillis());
      const id = state.records === 0 ? this.#nextId : this.#idOf(state.acknowledged + 1) - 1;
      this.#insert.run(id, formatNumber("stasis"), receivedAtEpochMillis, state.clock_millis, body);
      this.#nextId = Math.max(this.#nextId, id + 1);
      return { ...state, ...change, records: state.records + 1, bytes: state.bytes + storedBytes(body) };
    });
  }

  expire(): void {
    this.#commit((state) => this.#keeper.trim(state, this.#parts.clock.nowEpochMillis()));
  }

  measure(): SpoolMeasure {
    const { producer, acknowledged, records, bytes, refused, dropped } = this.#state;
    const oldest = this.#guard(() => this.#oldest.get());
    const oldestReceivedAtEpochMillis = oldest === undefined ? undefined : numberIn(oldest, "at");
    return { producer, acknowledged, records, bytes, oldestReceivedAtEpochMillis, refused, dropped };
  }

  close(): void {
    this.#parts.database.close();
  }

  #idOf(position: number): number {
    return numberIn(this.#idAt.get(position - this.#state.acknowledged - 1), "id");
  }

  #bytesThrough(id: number): number {
    const row = this.#parts.database
      .prepare("SELECT sum(length(body)) + ? * count(*) AS bytes FROM records WHERE id <= ?")
      .get(storedBytes(new Uint8Array(0)), id);
    return numberIn(row, "bytes");
  }

  /** One transaction. Nothing of it stays when it fails. */
  #commit(change: (state: SpoolState) => SpoolState): void {
    const { database, clock } = this.#parts;
    this.#guard(() => {
      database.exec("BEGIN IMMEDIATE");
      try {
        const changed = change({
          ...this.#state,
          clock_millis: clock.spoolMillis(),
          clock_wall_epoch_millis: clock.nowEpochMillis(),
        });
        this.#writeState.run(changed);
        database.exec("COMMIT");
        this.#state = changed;
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #giveBack(): void {
    const { database } = this.#parts;
    this.#guard(() => {
      if (pragma(database, "freelist_count") > KEPT_FREE_PAGES)
        database.exec(`PRAGMA incremental_vacuum(${PAGES_GIVEN_BACK})`);
    });
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw spoolErrorOf(error, this.#parts.path);
    }
  }
}

function numberIn(row: Record<string, unknown> | undefined, name: string): number {
  const value = row?.[name];
  return typeof value === "number" ? value : 0;
}
