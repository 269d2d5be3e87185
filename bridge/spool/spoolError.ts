import { RelayError } from "../../shared/errors.ts";

/**
 * Why a spool does not do what it is asked.
 * - `disk-full`, `io`: the disk refuses; the next call may succeed.
 * - `read-only`: the file or its directory cannot be written.
 * - `corrupt`: the file is damaged. `openSpool` moves it aside and begins a new one.
 * - `locked`: another process has the spool.
 * - `version`: the file was written by a newer bridge, or is not a spool.
 * - `full`: the limit is reached, and the policy is `block`.
 * - `not-empty`: an import needs an empty spool.
 * - `closed`: the spool or its thread has ended.
 */
export type SpoolErrorCode =
  | "disk-full"
  | "io"
  | "read-only"
  | "corrupt"
  | "locked"
  | "version"
  | "full"
  | "not-empty"
  | "closed";

const RETRYABLE: ReadonlySet<SpoolErrorCode> = new Set(["disk-full", "io", "read-only", "full"]);

export class SpoolError extends RelayError {
  readonly reason: SpoolErrorCode;

  constructor(reason: SpoolErrorCode, message: string, facts: Record<string, unknown> = {}, cause?: unknown) {
    super(`spool.${reason}`, message, { retryable: RETRYABLE.has(reason), facts, cause });
    this.reason = reason;
  }
}

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html). */
const REASONS: ReadonlyMap<number, readonly [SpoolErrorCode, string]> = new Map([
  [5, ["locked", "another process is writing the spool"]],
  [6, ["locked", "another process is writing the spool"]],
  [8, ["read-only", "the spool cannot be written: check the owner and rights of the file and its directory"]],
  [10, ["io", "the disk reported an error"]],
  [11, ["corrupt", "the spool's file is damaged"]],
  [13, ["disk-full", "the disk is full, or the spool's file has its largest allowed size"]],
  [14, ["read-only", "the spool cannot be opened: check that its directory exists and may be written"]],
  [26, ["corrupt", "the spool's file is not a database"]],
]);

/** The SpoolError for an error of node:sqlite; other errors stay as they are. */
export function spoolErrorOf(error: unknown, path: string): unknown {
  const resultCode = resultCodeOf(error);
  if (resultCode === undefined) return error;
  const [reason, message] = REASONS.get(resultCode & 0xff) ?? ["io", "SQLite reported an error"];
  return new SpoolError(reason, `${path}: ${message} (${String(error)})`, { path, resultCode }, error);
}

function resultCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}

export function isSpoolError(error: unknown, reason: SpoolErrorCode): error is SpoolError {
  return error instanceof SpoolError && error.reason === reason;
}
