import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { EMPTY_CALL_MEMORY } from "../shared/ami/callMemory.ts";
import { AmiConverter } from "../shared/ami/convert.ts";
import { readEvent } from "../shared/stasis/event.ts";

/** Converts events line by line. The exit code: 1 when a line was no event. */
export async function convertLines(
  input: Readable,
  output: Writable,
  errors: Writable,
  options: { wrapUnmapped: boolean },
): Promise<number> {
  const converter = new AmiConverter(EMPTY_CALL_MEMORY, options);
  let lineNumber = 0;
  let exitCode = 0;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    lineNumber += 1;
    if (line.trim() === "") continue;
    const item = readEvent(line);
    if (!("event" in item)) {
      errors.write(`line ${lineNumber}: ${"error" in item ? item.error : "no event"}\n`);
      exitCode = 1;
      continue;
    }
    const message = converter.convert(item.event);
    converter.passed(item.event);
    if (message && !output.write(message.text)) await once(output, "drain");
  }
  return exitCode;
}
