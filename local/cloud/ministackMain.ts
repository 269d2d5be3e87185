import { Command } from "commander";
import { onReaderGone } from "../../cli/terminal/reader.ts";
import { numberIn } from "../../shared/runtime/settingValues.ts";
import { startMinistack } from "./ministack.ts";

/** `npm run ministack` runs a local cloud until Ctrl-C, on port 4566 or MINISTACK_PORT. */
const program = new Command("ministack")
  .description("Runs a local cloud until Ctrl-C (docs/local-clouds.md)")
  .addHelpText("after", "\nMINISTACK_PORT: its port (4566)")
  .parse();
const stop = Promise.withResolvers<void>();
onReaderGone(stop.resolve);
const port = portOf();
await using ministack = await startMinistack({ environment: process.env, port, output: "inherit" });
process.stdout.write(
  `\nministack runs at ${ministack.endpoint}. Deploy the relay to it with npm run deploy:local. Ctrl-C ends it.\n\n`,
);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.resolve());
await Promise.race([ministack.ended, stop.promise]);

function portOf(): number {
  try {
    const rule = { least: 1, most: 65_535, unit: "a port", isWhole: true };
    return numberIn(process.env, "MINISTACK_PORT", 4566, rule);
  } catch (error) {
    return program.error(`ministack: ${error instanceof Error ? error.message : error}`);
  }
}
