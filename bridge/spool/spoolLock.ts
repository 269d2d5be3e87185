import { DatabaseSync } from "node:sqlite";
import { isSpoolError, SpoolError, spoolErrorOf } from "./spoolError.ts";
import { lockPath } from "./spoolPath.ts";

/** `lockHolder` holds the lock for an instant. */
const INSPECTION_MILLIS = 200;

/**
 * One process writes a spool. The lock is a write transaction that stays open on a small database beside the spool: the
 * operating system drops it when the process ends, however it ends. Readers still see who holds it.
 */
export class SpoolLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws SpoolError `locked`, with the holder's process id; `read-only` and others when the disk refuses */
  static take(path: string, processId: number): SpoolLock {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(lockPath(path), { timeout: INSPECTION_MILLIS });
      database.exec("CREATE TABLE IF NOT EXISTS holder (process_id INTEGER NOT NULL) STRICT");
      database.exec("BEGIN IMMEDIATE; DELETE FROM holder");
      database.prepare("INSERT INTO holder VALUES (?)").run(processId);
      database.exec("COMMIT; BEGIN IMMEDIATE");
      return new SpoolLock(database);
    } catch (cause) {
      database?.close();
      const error = spoolErrorOf(cause, path);
      if (!isSpoolError(error, "locked")) throw error;
      const holder = holderOf(path);
      const who = holder === undefined ? "another process" : `the process ${holder}`;
      throw new SpoolError("locked", `${path}: ${who} has this spool. Stop it, or use another directory.`, {
        path,
        holder,
      });
    }
  }

  release(): void {
    this.#database.close();
  }
}

/** The id of the process that took the lock last. It may have ended. Undefined if nobody ever did. */
function holderOf(path: string): number | undefined {
  try {
    using database = new DatabaseSync(lockPath(path), { readOnly: true });
    const row = database.prepare("SELECT process_id FROM holder").get();
    return typeof row?.process_id === "number" ? row.process_id : undefined;
  } catch {
    return undefined;
  }
}

/** The id of the process that holds the lock now; undefined if none does. */
export function lockHolder(path: string): number | undefined {
  const holder = holderOf(path);
  if (holder === undefined) return undefined;
  try {
    using database = new DatabaseSync(lockPath(path));
    database.exec("BEGIN IMMEDIATE; ROLLBACK");
    return undefined;
  } catch (error) {
    return isSpoolError(spoolErrorOf(error, path), "locked") ? holder : undefined;
  }
}
