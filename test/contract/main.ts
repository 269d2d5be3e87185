import { join } from "node:path";
import { Command } from "commander";
import { numberOption } from "../../cli/terminal/numberOption.ts";
import { pythonWith } from "../../local/cloud/pythonPackage.ts";
import { exitCodeOf } from "../../local/cloud/run.ts";
import { freePort } from "../../local/freePort.ts";
import { RelayProcess } from "../support/relayProcess.ts";

const CONFIGURATION = join(import.meta.dirname, "schemathesis.toml");
const SCHEMATHESIS_VERSION = "4.32.5";

/**
 * Two checks stay off. A schema cannot say that two headers go together, or which addresses a webhook may reach, so the
 * relay refuses some requests that fit the schema; the refusals are documented. And keys are no matter of this run.
 */
const CHECKS_OFF = "positive_data_acceptance,ignored_auth";

/** `npm run contract`: schemathesis sends a relay what its OpenAPI document allows and forbids, and judges the answers. */
const options = new Command("contract")
  .description("Holds the running relay against its OpenAPI document, with schemathesis (docs/testing.md)")
  .option("--seeds <seeds...>", "one run each", ["1", "2"])
  .option("--seconds <seconds>", "of each run", numberOption({ atLeast: 1 }), 60)
  .parse()
  .opts<{ seeds: string[]; seconds: number }>();

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
      `--max-time=${options.seconds}`,
      "--request-timeout=10",
      "--no-color",
      `--exclude-checks=${CHECKS_OFF}`,
    ],
    {},
  );
  if (code !== 0) failedRuns += 1;
}
process.stdout.write(
  failedRuns === 0
    ? `\nEvery answer is documented: seeds ${options.seeds.join(", ")}\n`
    : `\nFAILED: ${failedRuns} of ${options.seeds.length} runs found answers that are not documented\n`,
);
process.exitCode = failedRuns === 0 ? 0 : 1;
