import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { Command } from "commander";
import { nameProblem } from "../../shared/ami/amiEvents.ts";
import { type AmiItem, AmiParser, readAmi } from "../../shared/ami/amiParser.ts";
import { bytesOf } from "../../shared/ami/amiText.ts";
import { CLASS_NAMES, READ_CLASSES } from "../../shared/ami/eventClass.ts";
import { type AmiReadFilter, compileReadFilter } from "../../shared/ami/readFilter.ts";
import { EventFilterError } from "../../shared/errors.ts";
import { EXIT, type ExitCode } from "../exitCodes.ts";
import { names, repeated } from "../options.ts";

export function define(command: Command): void {
  command
    .description("Reads AMI text and writes the events that a session with this filter gets.")
    .option("--read <classes>", "read classes, as in manager.conf: call,user")
    .option("--events <names>", "event names, separated by commas", names)
    .option("--event-filter <expression>", "an event filter, legacy or advanced; may be repeated", repeated)
    .addHelpText(
      "after",
      `
Examples:
  stasis-relay filter --read call,user < ami.txt
  stasis-relay filter --event-filter '!Event: VarSet' < ami.txt
  stasis-relay filter --event-filter 'eventfilter(name(Hangup))' < ami.txt`,
    )
    .action(
      async (options: { read?: string; events?: readonly string[]; eventFilter?: readonly string[] }) => {
        const { read, events, eventFilter: eventFilters } = options;
        process.exitCode = await filterText(process.stdin, process.stdout, process.stderr, {
          read,
          events,
          eventFilters,
        });
      },
    );
}

/**
 * Writes the events of an AMI text that pass the filter, byte for byte, without greetings and responses. Fails
 * when the filter or some of the text was malformed.
 */
async function filterText(
  input: Readable,
  output: Writable,
  errors: Writable,
  filter: AmiReadFilter,
): Promise<ExitCode> {
  if (typeof filter.read === "string" && !READ_CLASSES.test(filter.read)) {
    errors.write(
      `--read ${filter.read}: must be classes with commas and no blanks between: ${CLASS_NAMES.join(",")},all\n`,
    );
    return EXIT.failed;
  }
  let passes: ReturnType<typeof compileReadFilter>["passes"];
  try {
    ({ passes } = compileReadFilter(filter));
  } catch (error) {
    if (!(error instanceof EventFilterError)) throw error;
    errors.write(`${error.message}\n`);
    return EXIT.failed;
  }
  let exitCode: ExitCode = EXIT.done;
  const report = (problem: string) => {
    errors.write(`${problem}\n`);
    exitCode = EXIT.failed;
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
