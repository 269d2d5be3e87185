import { accessSync, constants, statfsSync, statSync, utimesSync } from "node:fs";
import { access, chmod, readFile, realpath, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { RelayError } from "../../shared/errors.ts";
import { createPrivateFile } from "./databaseFile.ts";
import { createPrivateDirectory, dataError, reasonOf } from "./directories.ts";
import { queueFileIn } from "./sqs.ts";

const LOCK_FILE = "relay.lock";
const HOLDER_FILE = "relay.pid";
const DATABASE_FILE = "dynamodb.sqlite";
const QUEUE_FOLDER = "sqs";

/** A relay that was killed may take a moment to end. */
const LOCK_WAIT_MILLIS = 3_000;
const LOCK_CHECK_EVERY_MILLIS = 20;

/** With less than this, a page of the largest size and its journal may not fit. */
const LEAST_FREE_BYTES = 2 * 1024 * 1024;

/** How often writing to the directory is tried while there is something to write. */
const TRY_EVERY_MILLIS = 100;

/** Where both engines keep their data: one relay's own, for as long as it runs. */
export interface DataDirectory {
  readonly databaseFile: string;
  readonly queueDirectory: string;
  /** Why what is written now would be lost; undefined when it is kept. Fast enough to be asked before each write. */
  fault(): string | undefined;
  close(): void;
}

/**
 * Opens the directory, creates it when it is missing, and locks it.
 * @throws RelayError `local.data` that names the file and says what to do, `local.data-in-use` when another relay has it
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  await createPrivateDirectory(path, isOurs);
  // Links to one directory lead to one lock, and to one name of the database.
  const directory = await realpath(path);
  await access(directory, constants.R_OK | constants.W_OK | constants.X_OK).catch((error) => {
    throw dataError(directory, `it cannot be written: ${reasonOf(error)}`, error);
  });
  const lock = await lockDirectory(directory);
  try {
    await writeFile(join(directory, HOLDER_FILE), `${process.pid}\n`, { mode: 0o600 });
    const queueDirectory = join(directory, QUEUE_FOLDER);
    await createPrivateDirectory(queueDirectory);
    const files = [join(directory, DATABASE_FILE), queueFileIn(queueDirectory)];
    for (const file of files) await prepareDatabase(file);
    const watched = [directory, ...files].map((file) => ({ file, id: identityOf(file) }));
    return {
      databaseFile: join(directory, DATABASE_FILE),
      queueDirectory,
      fault: faultFinder(directory, watched),
      close: () => lock.close(),
    };
  } catch (error) {
    lock.close();
    if (error instanceof RelayError) throw error;
    throw dataError(directory, `it cannot be used: ${reasonOf(error)}`, error);
  }
}

/** Whether a directory holds nothing but a relay's data, so that its mode is ours to set. */
function isOurs(entries: readonly string[]): boolean {
  const own = [LOCK_FILE, HOLDER_FILE, DATABASE_FILE, QUEUE_FOLDER];
  return entries.every((entry) => own.some((name) => basename(entry).startsWith(name)));
}

/**
 * SQLite's own lock, which the system takes back however a process ends. It holds for the file, whatever name leads to
 * it, and against a second relay in the same process.
 */
async function lockDirectory(directory: string): Promise<DatabaseSync> {
  const file = join(directory, LOCK_FILE);
  try {
    await createPrivateFile(file);
  } catch (error) {
    throw dataError(directory, `it cannot be written: ${reasonOf(error)}`, error);
  }
  const deadline = performance.now() + LOCK_WAIT_MILLIS;
  const lock = new DatabaseSync(file);
  for (;;) {
    try {
      lock.exec("BEGIN EXCLUSIVE");
      return lock;
    } catch (error) {
      const isHeld = /locked|busy/.test(reasonOf(error));
      if (isHeld && performance.now() < deadline) {
        await pause(LOCK_CHECK_EVERY_MILLIS);
        continue;
      }
      lock.close();
      if (!isHeld) throw dataError(file, `it cannot be locked: ${reasonOf(error)}`, error);
      const holder = (await readFile(join(directory, HOLDER_FILE), "utf8").catch(() => "")).trim();
      throw new RelayError(
        "local.data-in-use",
        `${directory} is in use by another relay (process ${holder || "unknown"}). Stop that one, or choose another RELAY_DATA_DIR.`,
        { facts: { directory, processId: Number(holder) } },
      );
    }
  }
}

/** Creates a database file, or checks the one that is there: a damaged one fails now, and not in the middle of a call. */
async function prepareDatabase(file: string): Promise<void> {
  await createPrivateFile(file);
  for (const suffix of ["-wal", "-shm"]) await chmod(`${file}${suffix}`, 0o600).catch(() => {});
  let found: unknown;
  try {
    using database = new DatabaseSync(file);
    found = database.prepare("PRAGMA quick_check(1)").get()?.quick_check;
  } catch (error) {
    found = reasonOf(error);
  }
  if (found !== "ok")
    throw new RelayError(
      "local.data",
      `${file} is damaged, or is no database of the relay (${found}). Put a copy in its place, or move it away to begin without data.`,
      { facts: { file } },
    );
}

interface WatchedFile {
  readonly file: string;
  readonly id: string;
}

/**
 * A write to a file that is gone succeeds, so the files are looked at each time. In a directory that cannot be written the engines'
 * own writes fail too, so it is tried less often, to say why.
 */
function faultFinder(directory: string, watched: readonly WatchedFile[]): () => string | undefined {
  let triedAtMillis = Number.NEGATIVE_INFINITY;
  return () => {
    for (const { file, id } of watched)
      if (identityOf(file) !== id)
        return `${file} was removed or replaced while the relay ran. What is written now would be lost: stop the relay, put the file back, and start again.`;
    const nowMillis = performance.now();
    if (nowMillis < triedAtMillis + TRY_EVERY_MILLIS) return spaceFaultOf(directory);
    const fault = writeFaultOf(directory);
    if (fault === undefined) triedAtMillis = nowMillis;
    return fault ?? spaceFaultOf(directory);
  };
}

function writeFaultOf(directory: string): string | undefined {
  return faultOf(directory, () => {
    accessSync(directory, constants.W_OK);
    // A file system that its driver made read-only after an error still grants access. Only a write tells.
    const now = new Date();
    utimesSync(directory, now, now);
    return undefined;
  });
}

function spaceFaultOf(directory: string): string | undefined {
  return faultOf(directory, () => {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < LEAST_FREE_BYTES
      ? `no space is left for ${directory}. Make room; the relay goes on by itself.`
      : undefined;
  });
}

function faultOf(directory: string, look: () => string | undefined): string | undefined {
  try {
    return look();
  } catch (error) {
    return `${directory} cannot be written: ${reasonOf(error)}. Make it writable; the relay goes on by itself.`;
  }
}

/** Which file a name leads to; empty when it leads to none. */
function identityOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? "" : `${found.dev}:${found.ino}`;
}
