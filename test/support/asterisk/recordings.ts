import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

export type RecordingName = "calls-mixed" | "busy-150";

function read(name: RecordingName, file: string): Buffer {
  return gunzipSync(readFileSync(new URL(`../../../local/recordings/${name}/${file}`, import.meta.url)));
}

/** The recorded ARI events, in the order in which they were received. Each is the JSON text of one event. */
export function recordedStasis(name: RecordingName): string[] {
  return read(name, "stasis.ndjson.gz")
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}

/** The recorded Manager events, as bytes. The greeting and the answer to the login are left out. */
export function recordedAmi(name: RecordingName): Buffer[] {
  return read(name, "ami-all.txt.gz")
    .toString("latin1")
    .split("\r\n\r\n")
    .filter((block) => block.startsWith("Event:"))
    .map((block) => Buffer.from(`${block}\r\n\r\n`, "latin1"));
}
