import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { z } from "zod";

const RECORDING = new URL("../recordings/calls-mixed/stasis.ndjson.gz", import.meta.url);

export interface RecordedEvent {
  /** The event's JSON exactly as recorded. */
  readonly line: string;
  /** When it happened, from the beginning of the recording. */
  readonly offsetMillis: number;
}

const timestamped = z.object({ timestamp: z.string() });

/** Reads the recorded calls, in the order in which they were received. */
export async function readRecording(): Promise<RecordedEvent[]> {
  const text = (await promisify(gunzip)(await readFile(RECORDING))).toString("utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  const times = lines.map((line) => Date.parse(timestamped.parse(JSON.parse(line)).timestamp));
  const start = times[0] ?? 0;
  return lines.map((line, index) => ({ line, offsetMillis: (times[index] ?? start) - start }));
}
