import { Command, InvalidArgumentError } from "commander";
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
  .option("--rounds <count>", "how often each variant is measured", positive, 3)
  .option("--seconds <seconds>", "how long each is measured", positive, 40)
  .option("--timeout <seconds>", "how long the relay waits for an endpoint", positive, 15)
  .action(benchIsolation);

program
  .command("contention")
  .description("what many sessions or producers at one place at one time cost")
  .action(benchContention);

await program.parseAsync();

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("must be a number above zero");
  return value;
}
