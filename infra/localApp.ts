import { App, Aspects, CliCredentialsStackSynthesizer, type IStackSynthesizer } from "aws-cdk-lib";
import { LocalDifferences } from "./localDifferences.ts";
import { RelayStack } from "./relayStack.ts";
import type { RelayStage } from "./stages.ts";

/**
 * The relay for a local cloud, deployed by `npm run deploy:local`. It is an app of its own, so that no `cdk deploy --all`
 * puts a relay on AWS that may call its own loopback addresses.
 */

/** Each may be given another value by the variable of its name. */
const defaults: Readonly<Record<string, string>> = {
  // Webhooks run beside the local cloud.
  RELAY_ALLOWED_ADDRESS_RANGES: "127.0.0.0/8,::1/128",
  RELAY_ALLOW_HTTP: "1",
  // Small, and about as short as infra/checkTimes.ts allows, so that freeing can be watched.
  RELAY_SEGMENT_SIZE: "100",
  RELAY_FREE_GRACE_SECONDS: "45",
};

const local: RelayStage = {
  name: "local",
  keepsData: false,
  logRetentionDays: 1,
  // One machine carries the local cloud, the functions and their callers.
  maximumConcurrency: { ingest: 2, notify: 2, wake: 4, slow: 2 },
  requestsPerSecond: 1_000,
  requestBurst: 2_000,
  settings: Object.fromEntries(
    Object.entries(defaults).map(([variable, value]) => [variable, process.env[variable] ?? value]),
  ),
};

const app = new App();
// With the caller's own credentials: the roles of CDK's bootstrap have conditions that local clouds do not know.
const synthesizer = new CliCredentialsStackSynthesizer() as IStackSynthesizer;
new RelayStack(app, local, { synthesizer });
Aspects.of(app).add(new LocalDifferences());
