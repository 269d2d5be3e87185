import { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import type { SpoolRecord } from "../spool.ts";
import { hasTables } from "./schema.ts";
import { SpoolError, spoolErrorOf } from "./spoolError.ts";
import { storedBytes } from "./spoolLimits.ts";
import { lockHolder } from "./spoolLock.ts";
import { recordOf } from "./spoolRow.ts";
import { readState, type SpoolState } from "./spoolState.ts";

/** A spool as its file shows it. It works while a bridge uses the spool, and changes nothing. */
export class SpoolInspection implements Disposable {
  readonly path: string;
  readonly state: SpoolState;
  readonly #database: DatabaseSync;

  /** @throws SpoolError `corrupt`, `version` or `read-only` */
  constructor(path: string) {
    this.path = path;
    this.#database = this.#guard(() => new DatabaseSync(path, { readOnly: true }));
    try {
      // One transaction for everything that is read: a bridge may be writing.
      this.#guard(() => this.#database.exec("BEGIN"));
      const isSpool = this.#guard(() => hasTables(this.#database, path));
      if (!isSpool) throw new SpoolError("version", `${path}: the file is empty`, { path });
      this.state = this.#guard(() => readState(this.#database, path));
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  /** The process that has the spool. */
  holder(): number | undefined {
    return lockHolder(this.path);
  }

  oldestReceivedAtEpochMillis(): number | undefined {
    for (const { record } of this.records()) return record.receivedAtEpochMillis;
    return undefined;
  }

  *records(): Generator<{ readonly position: number; readonly record: SpoolRecord }> {
    let position = this.state.acknowledged;
    for (const row of this.#rows(
      "SELECT id, format, received_at_epoch_millis, body FROM records ORDER BY id",
    )) {
      position += 1;
      yield { position, record: recordOf(row) };
    }
  }

  /** What the bridge knows of the PBX, by key (truth/memory.ts). */
  memory(): ReadonlyMap<string, string> {
    return new Map([...this.#rows("SELECT key, value FROM memory")].map((row) => memoryRow.parse(row)));
  }

  *refused(): Generator<RefusedEvent> {
    for (const row of this.#rows("SELECT * FROM refused ORDER BY id")) {
      const { producer, position, refused_at_epoch_millis, reason } = refusedSchema.parse(row);
      yield {
        producer,
        position,
        refusedAtEpochMillis: refused_at_epoch_millis,
        reason,
        record: recordOf(row),
      };
    }
  }

  /** What is wrong with the file: damage, and counts that do not fit the records. Empty when all is well. */
  faults(): string[] {
    return this.#guard(() => {
      const damage = this.#database
        .prepare("PRAGMA integrity_check(20)")
        .all()
        .map((row) => String(row.integrity_check))
        .filter((text) => text !== "ok");
      if (damage.length > 0) return damage;
      return [...this.#countFaults("records"), ...this.#countFaults("refused")];
    });
  }

  #countFaults(table: "records" | "refused"): string[] {
    const row = this.#database
      .prepare(`SELECT count(*) AS count, coalesce(sum(length(body) + ?), 0) AS bytes FROM ${table}`)
      .get(storedBytes(new Uint8Array(0)));
    const found = countSchema.parse(row);
    const { records, bytes, refused, refused_bytes } = this.state;
    const expected =
      table === "records" ? { count: records, bytes } : { count: refused, bytes: refused_bytes };
    if (found.count === expected.count && found.bytes === expected.bytes) return [];
    return [
      `${table}: ${found.count} with ${found.bytes} bytes are there, ${expected.count} with ${expected.bytes} bytes should be`,
    ];
  }

  *#rows(sql: string): Generator<unknown> {
    yield* this.#guard(() => this.#database.prepare(sql).iterate());
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw spoolErrorOf(error, this.path);
    }
  }
}

export interface RefusedEvent {
  readonly producer: string;
  readonly position: number;
  readonly refusedAtEpochMillis: number;
  readonly reason: string;
  readonly record: SpoolRecord;
}

const countSchema = z.object({ count: z.number().int(), bytes: z.number().int() });

const memoryRow = z
  .object({ key: z.string(), value: z.string() })
  .transform(({ key, value }): [string, string] => [key, value]);

const refusedSchema = z.object({
  producer: z.string(),
  position: z.number().int(),
  refused_at_epoch_millis: z.number().int(),
  reason: z.string(),
});
