import { chmod, open, readFile, rename, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { RelayError } from "../../shared/errors.ts";

/*
 * The engine does not lock its database file: two engines on one file would both answer, each with its own
 * idea of the data. So a started engine leaves its process id beside the file, and the next one looks for it.
 */

/** Longer than an engine needs to end after its relay was killed. */
const WAIT_MILLIS = 3_000;
const CHECK_EVERY_MILLIS = 10;

/** Of secrets and calls: only their owner may read them. SQLite gives its further files the same mode. */
const PRIVATE_FILE = 0o600;

/** Makes sure that a database file exists and that nobody else may read it. SQLite takes an empty file for a new one. */
export async function createPrivateFile(databaseFile: string): Promise<void> {
  try {
    const file = await open(databaseFile, "a", PRIVATE_FILE);
    await file.close();
    await chmod(databaseFile, PRIVATE_FILE);
  } catch (error) {
    // A directory of this name, say: opening the database reports it.
    if (!(error instanceof Error && "code" in error && error.code === "EISDIR")) throw error;
  }
}

/**
 * Resolves once no other engine works on this file: after a kill, the old engine may need a moment to end.
 * @throws RelayError `local.data-in-use` when it stays, because then another relay is still running.
 */
export async function waitUntilFree(databaseFile: string): Promise<void> {
  const deadline = performance.now() + WAIT_MILLIS;
  for (;;) {
    const processId = await engineOf(databaseFile);
    if (processId === undefined) return;
    if (performance.now() > deadline)
      throw new RelayError(
        "local.data-in-use",
        `${databaseFile} is in use by another relay (its DynamoDB engine is process ${processId})`,
        { facts: { databaseFile, processId } },
      );
    await pause(CHECK_EVERY_MILLIS);
  }
}

export async function recordEngine(databaseFile: string, processId: number): Promise<void> {
  const file = processIdFile(databaseFile);
  // Renamed, so that a reader finds the process before or this one, and never an empty file.
  await writeFile(`${file}.new`, `${processId}\n`, { mode: PRIVATE_FILE });
  await rename(`${file}.new`, file);
}

/** The process that works on this file, if any. Without `/proc` (not Linux) there is no telling: none. */
async function engineOf(databaseFile: string): Promise<number | undefined> {
  const processId = Number(await readOrEmpty(processIdFile(databaseFile)));
  if (!Number.isInteger(processId) || processId <= 0) return undefined;
  // The number may meanwhile belong to something else, so its command line must name this very file.
  const commandLine = await readOrEmpty(`/proc/${processId}/cmdline`);
  return commandLine.split("\0").includes(databaseFile) ? processId : undefined;
}

function processIdFile(databaseFile: string): string {
  return `${databaseFile}.pid`;
}

async function readOrEmpty(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
