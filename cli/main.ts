import { Command, InvalidArgumentError } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { type AmiOptions, runAmi } from "./ami.ts";
import { convertLines } from "./convert.ts";
import { filterText } from "./filter.ts";
import { numberOption } from "./terminal/numberOption.ts";
import { onReaderGone } from "./terminal/reader.ts";
import { type Address, readAddress } from "./tunnelAddress.ts";

/**
 * `npm run relay -- help`: applies the relay's rules to files without a relay, and connects AMI clients to a distant one.
 * Exits with 1 when input was malformed or the port is not free.
 */
const program = new Command("stasis-relay")
  .description(
    "Converts Stasis events to AMI and filters AMI text, as Asterisk's Manager does, and connects AMI clients over TLS.",
  )
  .version(packageJson.version)
  .showHelpAfterError()
  .addHelpText(
    "after",
    "\nOther programs: `stasis-relay start` runs a relay on this machine, `stasis-relay bridge` a bridge.",
  );

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

program
  .command("ami")
  .description(
    "Listens for AMI clients that cannot speak TLS, and passes their connections on to a gateway over TLS.",
  )
  .requiredOption("--to <host:port>", "the gateway; port 5039 if left out", address(5039))
  .option("--listen <host:port>", "where clients connect", address(5038), { host: "127.0.0.1", port: 5038 })
  .option("--ca <file>", "certificates to trust, in PEM, instead of the well-known ones")
  .option("--server-name <name>", "the name in the gateway's certificate, where it is not the host")
  .option(
    "--connections <number>",
    "the most clients at once",
    numberOption({ atLeast: 1, isWhole: true }),
    100,
  )
  .addHelpText(
    "after",
    `
Examples:
  stasis-relay ami --to ami.example.com
  stasis-relay ami --to 192.0.2.7:5039 --server-name ami.example.com --listen 127.0.0.1:5040`,
  )
  .action(async (options: AmiOptions) => {
    process.exitCode = await runAmi(options, process.stdout, process.stderr);
  });

function address(defaultPort: number) {
  return (text: string): Address => {
    const read = readAddress(text, defaultPort);
    if (read === undefined) throw new InvalidArgumentError("must be HOST, HOST:PORT or [IPv6]:PORT");
    return read;
  };
}

// Other programs under one roof: their options are their own.
const [first] = process.argv.slice(2);
if (first === "start" || first === "bridge") {
  process.argv.splice(2, 1);
  if (first === "start") await import("../local/main.ts");
  else await import("../bridge/main.ts");
} else await program.parseAsync();
