import { isUtf8 } from "node:buffer";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { Command } from "commander";
import { EMPTY_CALL_MEMORY } from "../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../shared/ami/convert.ts";
import { readEvent } from "../../shared/stasis/event.ts";
import { EXIT, type ExitCode } from "../exitCodes.ts";

export function define(command: Command): void {
  command
    .description(
      "Reads Stasis events, one JSON per line, and writes the AMI messages that Manager sends for them.",
    )
    .option(
      "--wrap-unmapped",
      "write a UserEvent named ARI-<type> for events that Manager does not know",
      false,
    )
    .addHelpText(
      "after",
      `
A line that is not an event is reported on standard error; the others are
converted. Exits with 1 then.

Example:
  stasis-relay convert < stasis.ndjson > ami.txt`,
    )
    .action(async ({ wrapUnmapped }: { wrapUnmapped: boolean }) => {
      process.exitCode = await convertLines(process.stdin, process.stdout, process.stderr, { wrapUnmapped });
    });
}

/** Converts events line by line. Fails when a line was not an event. */
async function convertLines(
  input: Readable,
  output: Writable,
  errors: Writable,
  options: { wrapUnmapped: boolean },
): Promise<ExitCode> {
  const converter = new AmiConverter(EMPTY_CALL_MEMORY, options);
  let lineNumber = 0;
  let exitCode: ExitCode = EXIT.done;
  for await (const bytes of linesOf(input)) {
    lineNumber += 1;
    const line = bytes.toString("utf8");
    if (line.trim() === "") continue;
    const item = isUtf8(bytes) ? readEvent(line) : { error: "not valid UTF-8" };
    if (!("event" in item)) {
      errors.write(`line ${lineNumber}: ${"error" in item ? item.error : "not an event"}\n`);
      exitCode = EXIT.failed;
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
