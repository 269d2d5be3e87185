import type { DatabaseSync } from "node:sqlite";
import { SpoolError } from "./spoolError.ts";

/** "RSpl" in ASCII: says in the file's head whose file it is. */
const APPLICATION_ID = 0x5253706c;
const SCHEMA_VERSION = 1;

/**
 * `records` holds what the relay has not acknowledged, in the order of `id`. Ids are not positions: the position of the
 * first record is `state.acknowledged + 1`, and the others follow without holes.
 *
 * `memory` is what the bridge knows of the PBX, by key (truth/memory.ts).
 *
 * `stored_at` is on the spool's own clock, which only runs forward: `state.clock_millis` when `state.clock_wall_epoch_millis`
 * was written.
 */
const TABLES = `
CREATE TABLE records (
  id INTEGER PRIMARY KEY,
  format INTEGER NOT NULL,
  received_at_epoch_millis INTEGER NOT NULL,
  stored_at INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE TABLE refused (
  id INTEGER PRIMARY KEY,
  producer TEXT NOT NULL,
  position INTEGER NOT NULL,
  format INTEGER NOT NULL,
  received_at_epoch_millis INTEGER NOT NULL,
  refused_at_epoch_millis INTEGER NOT NULL,
  reason TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE TABLE memory (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  producer TEXT NOT NULL,
  acknowledged INTEGER NOT NULL,
  records INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  refused_bytes INTEGER NOT NULL,
  refused_dropped INTEGER NOT NULL,
  dropped INTEGER NOT NULL,
  clock_millis INTEGER NOT NULL,
  clock_wall_epoch_millis INTEGER NOT NULL,
  gap_record INTEGER,
  gap_name TEXT NOT NULL,
  gap_from_epoch_millis INTEGER NOT NULL,
  gap_to_epoch_millis INTEGER NOT NULL,
  gap_count INTEGER NOT NULL
) STRICT;
`;

const PAGE_BYTES = 4096;
/** SQLite's own limit. */
const MOST_PAGES = 4_294_967_294;

/**
 * Sets the connection up. `synchronous = FULL`: a commit is on the disk. Freed pages go back to the file system little by
 * little (`auto_vacuum`), so that a long outage does not leave a large file for ever.
 */
export function configure(database: DatabaseSync, maxFileBytes: number): void {
  database.exec(`
    PRAGMA page_size = ${PAGE_BYTES};
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA journal_size_limit = 16777216;
    PRAGMA cache_size = -2048;
    PRAGMA max_page_count = ${Math.min(MOST_PAGES, Math.ceil(maxFileBytes / PAGE_BYTES))};
  `);
}

/** Makes the tables in a new file. */
export function createTables(
  database: DatabaseSync,
  { producer, nowEpochMillis }: { producer: string; nowEpochMillis: number },
): void {
  database.exec("BEGIN IMMEDIATE");
  database.exec(TABLES);
  database
    .prepare("INSERT INTO state VALUES (1, ?, 0, 0, 0, 0, 0, 0, 0, 0, ?, NULL, '', 0, 0, 0)")
    .run(producer, nowEpochMillis);
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

/**
 * Whether the file has the tables; false for a new, empty file.
 * @throws SpoolError `version` when another program or a newer bridge wrote the file
 */
export function hasTables(database: DatabaseSync, path: string): boolean {
  const applicationId = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  if (applicationId === APPLICATION_ID && version === SCHEMA_VERSION) return true;
  const objects = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get();
  if (applicationId === 0 && objects?.count === 0) return false;
  if (applicationId !== APPLICATION_ID)
    throw new SpoolError("version", `${path}: this database is not a spool`, { path, applicationId });
  throw new SpoolError(
    "version",
    `${path}: the spool has version ${version}, and this bridge reads version ${SCHEMA_VERSION}. Start the newer bridge.`,
    { path, version },
  );
}

/** The value of a pragma that is a number. */
export function pragma(database: DatabaseSync, name: "application_id" | "user_version" | "freelist_count") {
  const value = database.prepare(`PRAGMA ${name}`).get()?.[name];
  return typeof value === "number" ? value : 0;
}
