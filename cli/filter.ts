import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { nameProblem } from "../shared/ami/amiEvents.ts";
import { type AmiItem, AmiParser, readAmi } from "../shared/ami/amiParser.ts";
import { bytesOf } from "../shared/ami/amiText.ts";
import { CLASS_NAMES, READ_CLASSES } from "../shared/ami/eventClass.ts";
import { type AmiReadFilter, compileReadFilter } from "../shared/ami/readFilter.ts";
import { EventFilterError } from "../shared/errors.ts";

/**
 * Writes the events of an AMI text that pass the filter, byte for byte, without greetings and responses. Returns the
 * exit code: 1 when the filter or some of the text was malformed.
 */
export async function filterText(
  input: Readable,
  output: Writable,
  errors: Writable,
  filter: AmiReadFilter,
): Promise<number> {
  if (typeof filter.read === "string" && !READ_CLASSES.test(filter.read)) {
    errors.write(
      `--read ${filter.read}: must be classes with commas and no blanks between: ${CLASS_NAMES.join(",")},all\n`,
    );
    return 1;
  }
  let passes: ReturnType<typeof compileReadFilter>["passes"];
  try {
    ({ passes } = compileReadFilter(filter));
  } catch (error) {
    if (!(error instanceof EventFilterError)) throw error;
    errors.write(`${error.message}\n`);
    return 1;
  }
  let exitCode = 0;
  const report = (problem: string) => {
    errors.write(`${problem}\n`);
    exitCode = 1;
  };
  const write = async (items: Iterable<AmiItem>) => {
    for (const item of items) {
      if ("error" in item) report(item.error.message);
      if ("error" in item || item.kind !== "event") continue;
      const event = readAmi(item);
      const problem = nameProblem(event);
      if (problem !== undefined) report(problem);
      else if (passes(event) && !output.write(bytesOf(item))) await once(output, "drain");
    }
  };
  const parser = new AmiParser();
  for await (const chunk of input) await write(parser.feed(chunk));
  await write(parser.end());
  return exitCode;
}
