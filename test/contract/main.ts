import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { numberOption } from "../../cli/terminal/numberOption.ts";
import { pythonWith } from "../../local/cloud/pythonPackage.ts";
import { exitCodeOf } from "../../local/cloud/run.ts";
import { freePort } from "../../local/freePort.ts";
import { RelayProcess } from "../support/relayProcess.ts";

const CONFIGURATION = join(import.meta.dirname, "schemathesis.toml");
const SCHEMATHESIS_VERSION = "4.32.5";

/** Bounded by a number and not by time: a seed then sends the same requests on every machine. Two take about two minutes. */
const EXAMPLES = 50;

/** `npm run contract`: schemathesis sends a relay what its OpenAPI document allows and forbids, and judges the answers. */
const options = new Command("contract")
  .description("Holds the running relay against its OpenAPI document, with schemathesis (docs/testing.md)")
  .option("--seeds <seeds...>", "one run each", ["1", "2"])
  .option(
    "--examples <number>",
    "the most requests to each operation in each phase",
    numberOption({ atLeast: 1, isWhole: true }),
    EXAMPLES,
  )
  .option(
    "--report <file>",
    "where to write how many runs passed and failed, with the names of vitest's JSON reporter",
  )
  .parse()
  .opts<{ seeds: string[]; examples: number; report?: string }>();

const python = await pythonWith("schemathesis", SCHEMATHESIS_VERSION);
let failedRuns = 0;
for (const seed of options.seeds) {
  const port = await freePort();
  await using _relay = await RelayProcess.start(port, {});
  const code = await exitCodeOf(
    python,
    [
      "-m",
      "schemathesis.cli",
      `--config-file=${CONFIGURATION}`,
      "run",
      `http://127.0.0.1:${port}/v1/openapi.json`,
      "--header=Authorization: Bearer local",
      `--seed=${seed}`,
      `--max-examples=${options.examples}`,
      "--request-timeout=10",
      "--no-color",
    ],
    {},
  );
  if (code !== 0) failedRuns += 1;
}
const passedRuns = options.seeds.length - failedRuns;
if (options.report !== undefined)
  await writeFile(options.report, JSON.stringify({ numPassedTests: passedRuns, numFailedTests: failedRuns }));
process.stdout.write(
  failedRuns === 0
    ? `\nEvery answer is documented: seeds ${options.seeds.join(", ")}\n`
    : `\nFAILED: ${failedRuns} of ${options.seeds.length} runs found answers that are not documented\n`,
);
process.exitCode = failedRuns === 0 ? 0 : 1;
