import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
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
  for await (const line of linesOf(input)) {
    lineNumber += 1;
    if (line.trim() === "") continue;
    const item = readEvent(line);
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
async function* linesOf(input: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let rest: string[] = [];
  for await (const chunk of input) {
    const [first = "", ...others] = (typeof chunk === "string" ? chunk : decoder.write(chunk)).split("\n");
    rest.push(first);
    for (const next of others) {
      yield rest.join("");
      rest = [next];
    }
  }
  yield rest.join("") + decoder.end();
}
