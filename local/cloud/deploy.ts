import { createRequire } from "node:module";
import { join } from "node:path";
import type { Environment } from "../../shared/runtime/settings.ts";
import { environmentIn, LOCAL_ACCOUNT, localCloud } from "./environment.ts";
import { run } from "./run.ts";

const ROOT = join(import.meta.dirname, "../..");
const APP = `"${process.execPath}" infra/localApp.ts`;

/** The outputs of the last deployment to a local cloud. */
export const OUTPUTS_FILE = join(ROOT, "cdk.out/local-outputs.json");

/** Prepares a local cloud for CDK: creates the bucket for its assets. Safe to repeat. */
export async function bootstrap(environment: Environment): Promise<void> {
  await cdk(environment, ["bootstrap", `aws://${LOCAL_ACCOUNT}/${localCloud(environment).region}`]);
}

/**
 * Deploys or updates the stack of infra/localApp.ts. `RELAY_*` variables change its settings.
 * @param checkout of the version to deploy, with its node_modules
 */
export async function deploy(environment: Environment, checkout = ROOT): Promise<void> {
  await cdk(environment, ["deploy", "--require-approval", "never", "--outputs-file", OUTPUTS_FILE], checkout);
}

/**
 * Runs CDK's own command line, which follows AWS_ENDPOINT_URL like every AWS client. For an endpoint that is an IP
 * address, cdklocal is not needed.
 */
async function cdk(environment: Environment, args: readonly string[], checkout = ROOT): Promise<void> {
  const program = createRequire(import.meta.url).resolve("aws-cdk/bin/cdk");
  await run(process.execPath, [program, ...args, "--app", APP, "--output", "cdk.out/local"], {
    cwd: checkout,
    env: environmentIn(localCloud(environment), environment),
  });
}
