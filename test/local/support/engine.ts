import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** @returns the process of the engine that was started last in this data directory */
export async function engineOf(dataDirectory: string): Promise<number> {
  return toProcessId(await readFile(join(dataDirectory, "dynamodb.sqlite.pid"), "utf8"));
}

/** Tests send signals to it, and to 0 they would reach every process of the tests' own group. */
export function toProcessId(text: string | undefined): number {
  const processId = Number(text);
  if (!Number.isInteger(processId) || processId <= 0) throw new TypeError(`${text} is not a process`);
  return processId;
}
