import { isUtf8 } from "node:buffer";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { EMPTY_CALL_MEMORY } from "../shared/ami/callMemory.ts";
import { AmiConverter } from "../shared/ami/convert.ts";
import { readEvent } from "../shared/stasis/event.ts";

/** Converts events line by line. Returns the exit code: 1 when a line was not an event. */
export async function convertLines(
  input: Readable,
  output: Writable,
  errors: Writable,
  options: { wrapUnmapped: boolean },
): Promise<number> {
  const converter = new AmiConverter(EMPTY_CALL_MEMORY, options);
  let lineNumber = 0;
  let exitCode = 0;
  for await (const bytes of linesOf(input)) {
    lineNumber += 1;
    const line = bytes.toString("utf8");
    if (line.trim() === "") continue;
    const item = isUtf8(bytes) ? readEvent(line) : { error: "not valid UTF-8" };
    if (!("event" in item)) {
      errors.write(`line ${lineNumber}: ${"error" in item ? item.error : "not an event"}\n`);
      exitCode = 1;
      continue;
    }
    const message = converter.convert(item.event);
    converter.passed(item.event);
    if (message && !output.write(message.text)) await once(output, "drain");
  }
  return exitCode;
}

/** Lines end only with a line feed: JSON may contain the line separators at which Node's readline also splits. */
async function* linesOf(input: Readable): AsyncGenerator<Buffer> {
  let rest: string[] = [];
  for await (const chunk of input) {
    // One character for each byte, so that no character is cut.
    const [first = "", ...others] = Buffer.from(chunk).toString("latin1").split("\n");
    rest.push(first);
    for (const next of others) {
      yield Buffer.from(rest.join(""), "latin1");
      rest = [next];
    }
  }
  yield Buffer.from(rest.join(""), "latin1");
}
