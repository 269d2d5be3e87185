import { chmod, mkdir, readdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { RelayError } from "../../shared/errors.ts";

/** Of secrets and calls: only their owner may read them. */
const PRIVATE_DIRECTORY = 0o700;

/**
 * Makes sure that a directory exists. One that is made here is private; so is one that `isOurs` says holds nothing
 * else. `mkdir` with `recursive` never returns below a file system that has no new directories, such as /proc.
 * @throws RelayError `local.data` that names the directory
 */
export async function createPrivateDirectory(
  path: string,
  isOurs: (entries: readonly string[]) => boolean = () => true,
): Promise<void> {
  const directory = resolve(path);
  try {
    if (await exists(directory)) {
      if (isOurs(await readdir(directory))) await chmod(directory, PRIVATE_DIRECTORY);
      return;
    }
    await createMissing(directory);
  } catch (error) {
    throw dataError(directory, `it cannot be created or opened: ${reasonOf(error)}`, error);
  }
}

async function createMissing(directory: string): Promise<void> {
  const parent = dirname(directory);
  if (parent !== directory && !(await exists(parent))) await createMissing(parent);
  await mkdir(directory, { mode: PRIVATE_DIRECTORY }).catch((error) => {
    if (!hasCode(error, "EEXIST")) throw error;
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error) => {
      if (hasCode(error, "ENOENT")) return false;
      throw error;
    },
  );
}

/** An error about the data directory, or a file in it, that says what to do. */
export function dataError(path: string, what: string, cause?: unknown): RelayError {
  const advice = "Choose another RELAY_DATA_DIR, or mend this one";
  return new RelayError("local.data", `${path}: ${what}. ${advice}.`, { facts: { path }, cause });
}

/** What the system says of a failed call, in its own words. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
