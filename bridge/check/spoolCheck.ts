import { accessSync, constants, existsSync, mkdirSync, statfsSync, statSync } from "node:fs";
import type { Resolved } from "../config/resolve.ts";
import { lockHolder } from "../spool/spoolLock.ts";
import { spoolPath } from "../spool/spoolPath.ts";
import type { Finding } from "./finding.ts";

/** Whether a feed's spool can be written, and how large it is. */
export function checkSpool({ directory, limits }: Resolved["spool"], feed: string): Finding {
  const subject = `spool, feed ${feed}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const detail = `${directory} cannot be written (spool.directory): ${code}`;
    return { subject, verdict: "wrong", detail, facts: [] };
  }
  const path = spoolPath(directory, feed);
  const bytes = existsSync(path) ? statSync(path).size : 0;
  const { bavail, bsize } = statfsSync(directory);
  const freeBytes = bavail * bsize;
  const holder = bytes === 0 ? undefined : lockHolder(path);
  const isTight = freeBytes + bytes < limits.maxBytes;
  return {
    subject,
    verdict: isTight ? "warning" : "ok",
    detail: isTight
      ? `the disk has ${mebibytes(freeBytes)} left, less than spool.maxBytes (${mebibytes(limits.maxBytes)})`
      : `${path} can be written`,
    facts: [
      ["file", path],
      ["size", mebibytes(bytes)],
      ["limit", `${mebibytes(limits.maxBytes)}, ${limits.maxAgeMillis / 86_400_000} days, ${limits.policy}`],
      ["disk free", mebibytes(freeBytes)],
      ["in use by", holder === undefined ? "nobody" : `process ${holder}`],
    ],
  };
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
