import { Command } from "commander";
import { numberOption } from "../../cli/terminal/numberOption.ts";
import { benchContention } from "./contention.ts";
import { benchIsolation } from "./isolation.ts";
import { benchPipeline } from "./pipeline.ts";

/** `npm run bench`: what the relay does on this machine with its embedded engines, as tables. */
const program = new Command("bench").description("Measurements of the relay on this machine.");

program
  .command("pipeline", { isDefault: true })
  .description("conversion, appending, fan-out, latency")
  .action(benchPipeline);

program
  .command("isolation")
  .description("what sessions that hang cost those that do not")
  .option(
    "--rounds <count>",
    "how often each variant is measured",
    numberOption({ atLeast: 1, isWhole: true }),
    3,
  )
  .option("--seconds <seconds>", "how long each is measured", numberOption({ atLeast: 1 }), 40)
  .option(
    "--timeout <seconds>",
    "how long the relay waits for an endpoint",
    numberOption({ atLeast: 0.1 }),
    15,
  )
  .action(benchIsolation);

program
  .command("contention")
  .description("what many sessions or producers at one place at one time cost")
  .action(benchContention);

await program.parseAsync();
