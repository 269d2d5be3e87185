import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { bootstrap, deploy } from "./deploy.ts";
import { startMinistack } from "./ministack.ts";
import { exitCodeOf } from "./run.ts";

/**
 * `npm run test:local-cloud` starts its own ministack, deploys the stack to it, and runs all tests of the deployed
 * relay, including the second deployment.
 */
const { args } = new Command("test:local-cloud")
  .description(
    "Starts a local cloud, deploys the stack to it, and runs the tests of the deployed relay (docs/local-clouds.md)",
  )
  .argument("[vitest...]", "passed on to vitest, with options")
  .allowUnknownOption()
  .parse();
// A signal to this process group ends the program that is running. Then this process disposes of the local cloud.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
await using ministack = await startMinistack({ environment: process.env, port: 0, output: "ignore" });
const environment = { ...process.env, AWS_ENDPOINT_URL: ministack.endpoint };
await bootstrap(environment);
await deploy(environment);
const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
process.exitCode = await exitCodeOf(
  process.execPath,
  [vitest, "run", "--config", "test/deployed/vitest.config.ts", ...args],
  { env: environment },
);
