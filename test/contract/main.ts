import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import { numberOption } from "../../cli/terminal/numberOption.ts";
import { pythonWith } from "../../local/cloud/pythonPackage.ts";
import { freePort } from "../../local/freePort.ts";
import { RelayProcess } from "../support/relayProcess.ts";

const CONFIGURATION = join(import.meta.dirname, "schemathesis.toml");
const SCHEMATHESIS_VERSION = "4.32.5";

/** Bounded by a number and not by time: a seed then sends the same requests on every machine. */
const EXAMPLES = 50;

/**
 * How long a test message may wait for its endpoint. The endpoints do not exist, and where no name server answers, finding
 * that out takes all of it.
 */
const TEST_SECONDS = "2";

/** `npm run contract`: schemathesis sends a relay what its OpenAPI document allows and forbids, and judges the answers. */
const options = new Command("contract")
  .description("Holds the running relay against its OpenAPI document, with schemathesis (docs/testing.md)")
  .option("--seeds <seeds...>", "one run each, side by side", ["1", "2"])
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

/** Whether a relay of its own answered a seed's requests as documented. The output is printed at once, after the run. */
async function isDocumented(seed: string): Promise<boolean> {
  const port = await freePort();
  await using _relay = await RelayProcess.start(port, { RELAY_REQUEST_TIMEOUT_SECONDS: TEST_SECONDS });
  const child = spawn(
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
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  process.stdout.write(`\nseed ${seed}\n${output}`);
  return exitCode === 0;
}

const verdicts = await Promise.all(options.seeds.map(isDocumented));
const failedRuns = verdicts.filter((isGood) => !isGood).length;
const passedRuns = options.seeds.length - failedRuns;
if (options.report !== undefined)
  await writeFile(options.report, JSON.stringify({ numPassedTests: passedRuns, numFailedTests: failedRuns }));
process.stdout.write(
  failedRuns === 0
    ? `\nEvery answer is documented: seeds ${options.seeds.join(", ")}\n`
    : `\nFAILED: ${failedRuns} of ${options.seeds.length} runs found answers that are not documented\n`,
);
process.exitCode = failedRuns === 0 ? 0 : 1;
