import { Command, Option } from "commander";
import { numberOption } from "../../cli/terminal/numberOption.ts";
import { onReaderGone } from "../../cli/terminal/reader.ts";
import { type FunctionName, functions, namesOf } from "../../shared/aws/resources.ts";
import { FREEINGS } from "../../shared/runtime/settings.ts";
import { tracedFunctions } from "./deployed.ts";
import type { Load } from "./load.ts";
import { measurement } from "./measured.ts";
import { reportOf, textOf } from "./report.ts";

/** `npm run cost`: what a month of the relay costs on AWS, beside other ways to deliver the same. */
interface Options
  extends Omit<Load, "webhookMillis" | "ami" | "isGzip" | "tracedFunctions" | "gatherSeconds"> {
  readonly gzip?: true;
  readonly traced: readonly (FunctionName | "none")[];
  readonly amiConnections?: number;
  readonly amiTasks: number;
  readonly json?: true;
}

onReaderGone();
const options = new Command("cost")
  .description("The cost of a month on AWS, item by item, compared with other ways to deliver the same")
  .option(
    "--events-per-second <number>",
    "of one feed; 0 for a month in which nothing happens",
    numberOption({ atLeast: 0 }),
    100,
  )
  .option("--sessions <number>", "each gets every event", numberOption({ atLeast: 1 }), 100)
  .option("--events-per-page <number>", "events in one append (1 to 500)", numberOption({ atLeast: 1 }), 50)
  .option("--event-bytes <number>", "JSON of one event", numberOption({ atLeast: 1 }), measurement.eventBytes)
  .option(
    "--ami-connections <number>",
    "adds an AMI gateway with so many connections, each of which gets every event",
    numberOption({ atLeast: 1, isWhole: true }),
  )
  .option("--ami-tasks <number>", "of that gateway", numberOption({ atLeast: 1, isWhole: true }), 2)
  .option("--gzip", "all sessions use gzip; where another way can, it does, too")
  .addOption(
    new Option("--freeing <when>", "RELAY_FREEING of the stage").choices(FREEINGS).default(FREEINGS[0]),
  )
  .addOption(
    new Option("--traced <functions...>", "functions with X-Ray traces, or none")
      .choices([...namesOf<FunctionName>(functions), "none"])
      .default(tracedFunctions),
  )
  .option("--json", "print JSON")
  .parse()
  .opts<Options>();

const { json, gzip, traced, amiConnections: connections, amiTasks: tasks, ...load } = options;
const report = reportOf({
  ...load,
  isGzip: gzip ?? false,
  tracedFunctions: traced.filter((name) => name !== "none"),
  webhookMillis: measurement.receiverMillis,
  ...(connections === undefined ? {} : { ami: { tasks, connections } }),
});
process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : textOf(report));
