import { Command, Option } from "commander";
import { numberOption } from "../../cli/terminal/numberOption.ts";
import { onReaderGone } from "../../cli/terminal/reader.ts";
import { benchBridge } from "./bridge/bridge.ts";
import { benchContention } from "./contention.ts";
import { benchGateway } from "./gateway.ts";
import { benchIsolation, ROWS } from "./isolation.ts";
import { benchPipeline } from "./pipeline.ts";
import { benchSmallAppends } from "./smallAppends.ts";
import { benchStalledReaders } from "./stalledReaders.ts";

/** `npm run bench` measures the relay on this machine, with its embedded engines, and prints tables. */
onReaderGone();
const program = new Command("bench").description("Measurements of the relay on this machine.");

program
  .command("pipeline", { isDefault: true })
  .description("conversion, appending, fan-out, latency")
  .action(benchPipeline);

program
  .command("small")
  .description("latency and CPU time of events that are appended one by one, on disk")
  .option("--seconds <seconds>", "duration of each measurement", numberOption({ atLeast: 1 }), 15)
  .action(benchSmallAppends);

program
  .command("isolation")
  .description("how much hanging endpoints delay the other sessions")
  .option("--rounds <count>", "measurements of each variant", numberOption({ atLeast: 1, isWhole: true }), 3)
  .option("--seconds <seconds>", "duration of each measurement", numberOption({ atLeast: 1 }), 40)
  .option(
    "--timeout <seconds>",
    "how long the relay waits for an endpoint",
    numberOption({ atLeast: 0.1 }),
    15,
  )
  .addOption(new Option("--only <rows>", "only sessions with such rows").choices(ROWS))
  .action(benchIsolation);

program
  .command("contention")
  .description(
    "the cost of many sessions or producers in one place at one time, with single rows and with groups",
  )
  .option(
    "--sessions <count>",
    "sessions of one feed that get one event",
    numberOption({ atLeast: 100, isWhole: true }),
    10_000,
  )
  .action(benchContention);

program
  .command("bridge")
  .description("the whole bridge under bursts and steady loads, beside a plain WebSocket reader")
  .option(
    "--seconds <seconds>",
    "duration of the steady load",
    numberOption({ atLeast: 5, isWhole: true }),
    300,
  )
  .option("--program <file>", "the bridge as it is installed; without it, bridge/main.ts from its source")
  .option("--only <words>", "only the loads whose name has these words: burst, 60,000, 500 events")
  .action(benchBridge);

program
  .command("gateway")
  .description("CPU time and latency of the AMI gateway for each event and connection")
  .option("--seconds <seconds>", "duration of each measurement", numberOption({ atLeast: 1 }), 10)
  .option("--rate <events>", "events a second of the feed", numberOption({ atLeast: 1 }), 1_000)
  .action(benchGateway);

program
  .command("stalled")
  .description("how much 100 AMI clients that read nothing delay 900 others")
  .option("--pairs <count>", "rounds with and without them", numberOption({ atLeast: 1, isWhole: true }), 8)
  .option("--seconds <seconds>", "duration of each round", numberOption({ atLeast: 1 }), 5)
  .option("--rate <events>", "events a second of the feed", numberOption({ atLeast: 1 }), 1_000)
  .action(benchStalledReaders);

await program.parseAsync();
