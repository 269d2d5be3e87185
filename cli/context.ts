import { chmod, mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { CliError } from "./cliError.ts";
import { EXIT } from "./exitCodes.ts";

/** Where `login` keeps addresses and keys. */
export interface ContextFile {
  /** The context that commands use when nothing names one. */
  readonly current?: string | undefined;
  readonly contexts: Readonly<Record<string, RelayContext>>;
}

/** A relay, and the key with which this person calls it. */
export interface RelayContext {
  readonly url: string;
  readonly key: string;
}

/** Bounded, because a file that is not ours may be anything. */
const MAX_FILE_BYTES = 1_000_000;

export const CONTEXT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const contextFile = z.strictObject({
  current: z.string().optional(),
  contexts: z.record(
    z.string().regex(CONTEXT_NAME),
    z.strictObject({ url: z.url(), key: z.string().min(1) }),
  ),
});

/** The XDG Base Directory Specification: relative paths count as not set. */
export function contextPath(environment: Readonly<Record<string, string | undefined>>): string {
  const { XDG_CONFIG_HOME: configured = "" } = environment;
  const directory = isAbsolute(configured) ? configured : join(homedir(), ".config");
  return join(directory, "stasis-relay", "contexts.json");
}

/** @throws CliError when others can read the file, or it is not what `login` writes */
export async function readContexts(path: string): Promise<ContextFile> {
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw unreadable(path, error.code ?? error.message);
  });
  if (facts === undefined) return { contexts: {} };
  // Windows has no such bits.
  if (process.platform !== "win32" && (facts.mode & 0o077) !== 0)
    throw new CliError(
      "context.readable-by-others",
      `${path} has keys, and others can read it. Close it: chmod 600 ${path}`,
    );
  if (facts.size > MAX_FILE_BYTES) throw unreadable(path, "it is too large");
  try {
    return contextFile.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    // Without the cause: it may quote a key.
    throw unreadable(path, "it is not what `stasis-relay login` writes");
  }
}

/** Replaces the file in one step. Nobody else can read it at any time. */
export async function writeContexts(path: string, file: ContextFile): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await open(temporary, "w", 0o600);
    try {
      // A file that was there before keeps its bits.
      await chmod(temporary, 0o600);
      await handle.writeFile(`${JSON.stringify(file, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new CliError("context.unwritable", `${path} cannot be written (${why})`);
  }
}

/** @throws CliError when there is none of this name */
export function requireContext(file: ContextFile, name: string): RelayContext {
  const context = Object.hasOwn(file.contexts, name) ? file.contexts[name] : undefined;
  if (context !== undefined) return context;
  const names = Object.keys(file.contexts);
  const known = names.length === 0 ? "There is none yet" : `There are ${names.join(", ")}`;
  throw new CliError(
    "context.unknown",
    `There is no context ${name}. ${known}; \`stasis-relay login URL --name ${name}\` makes one.`,
    EXIT.unknown,
  );
}

function unreadable(path: string, why: string): CliError {
  return new CliError(
    "context.unreadable",
    `${path} cannot be read: ${why}. Mend it, or remove it and log in again.`,
  );
}
