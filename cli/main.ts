import { Command } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { convertLines } from "./convert.ts";
import { filterText } from "./filter.ts";
import { onReaderGone } from "./terminal/reader.ts";

/** `npm run relay -- help`: applies the relay's rules to files, without a relay. Exits with 1 when input was malformed. */
const program = new Command("stasis-relay")
  .description("Converts Stasis events to AMI, and filters AMI text, as Asterisk's Manager does.")
  .version(packageJson.version)
  .showHelpAfterError();

onReaderGone();

program
  .command("convert")
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
    "\nA line that is not an event is reported on standard error; the others are converted.",
  )
  .action(async ({ wrapUnmapped }: { wrapUnmapped: boolean }) => {
    process.exitCode = await convertLines(process.stdin, process.stdout, process.stderr, { wrapUnmapped });
  });

program
  .command("filter")
  .description("Reads AMI text and writes the events that a session with this filter gets.")
  .option("--read <classes>", "read classes, as in manager.conf: call,user")
  .option("--events <names>", "event names, separated by commas", (names: string) => names.split(","))
  .option(
    "--event-filter <expression>",
    "an event filter, legacy or advanced; may be repeated",
    (expression: string, before: readonly string[] = []) => [...before, expression],
  )
  .addHelpText(
    "after",
    `
Examples:
  stasis-relay filter --read call,user
  stasis-relay filter --event-filter '!Event: VarSet'
  stasis-relay filter --event-filter 'eventfilter(action(include),name(Hangup))'`,
  )
  .action(async (options: { read?: string; events?: readonly string[]; eventFilter?: readonly string[] }) => {
    const { read, events, eventFilter: eventFilters } = options;
    process.exitCode = await filterText(process.stdin, process.stdout, process.stderr, {
      read,
      events,
      eventFilters,
    });
  });

await program.parseAsync();
