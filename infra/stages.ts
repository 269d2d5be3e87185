import type { FunctionName, QueueName } from "../shared/aws/resources.ts";

/** The differences between stages. Everything else is the same in all of them. */
export interface RelayStage {
  /** The suffix of every name, so that two stages can share an account. */
  readonly name: string;
  /** Tables, key and secret outlive the stack, and the tables are protected from deletion. */
  readonly keepsData: boolean;
  readonly logRetentionDays: number;
  /**
   * Concurrent invocations per queue (2 to 1,000). Multiplied by the batch size, it is the number of feeds, groups or single
   * sessions served at once. The sum should stay below the account's limit of concurrent executions.
   */
  readonly maximumConcurrency: Readonly<Record<QueueName, number>>;
  /**
   * Concurrent invocations of the two functions that the HTTP API calls. Anyone can call it, with a wrong key as well:
   * without a limit such calls could use up the account's concurrency, and deliver's with it. The number is taken from
   * the account's limit, and AWS demands that 100 are left for everything else.
   */
  readonly reservedConcurrency?: Readonly<Record<"ingest" | "api", number>>;
  /**
   * Functions with X-Ray traces. Lambda traces the first invocation of each second and 5 % of the others, and nobody can
   * change that (https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html). So which functions are traced is the
   * only choice: one that is busy all the time costs $13 a month or more.
   */
  readonly tracedFunctions: readonly FunctionName[];
  /** The HTTP API answers 429 above this rate. */
  readonly requestsPerSecond: number;
  readonly requestBurst: number;
  /** Receives every alarm. Without it, alarms reach only the subscriptions that somebody makes by hand. */
  readonly alarmEmail?: string;
  /** Where docs/runbook.md can be read, such as its page on your Git server. Alarms link their sections there. */
  readonly runbookUrl?: string;
  /** `RELAY_*` settings of all functions that differ from the defaults in shared/runtime/settings.ts. */
  readonly settings: Readonly<Record<string, string>>;
  /** The AMI gateway. Without it, the stack has no part of it. */
  readonly gateway?: GatewayStage;
}

/** What a stage says of its AMI gateway. */
export interface GatewayStage {
  /** The name of a secret in Secrets Manager: JSON with a certificate chain and its key in PEM, `certificate` and `key`. */
  readonly certificateSecretName: string;
  /** Tasks at least and at most. Two survive the loss of an availability zone. */
  readonly tasks: { readonly least: number; readonly most: number };
  /** A further task is started above so many connections on each. */
  readonly connectionsPerTask: number;
  /** CIDR ranges that may connect. */
  readonly allowedAddressRanges: readonly string[];
  /** Also listens without TLS at port 5038. Secrets and events are then readable on the way. */
  readonly plainPort?: true;
}

/** By people and once a minute: their traces cost cents. The others are invoked with every page. */
const SELDOM_INVOKED: readonly FunctionName[] = ["api", "sweep"];

export const dev: RelayStage = {
  name: "dev",
  keepsData: false,
  logRetentionDays: 7,
  maximumConcurrency: { ingest: 2, notify: 2, wake: 10, slow: 2 },
  tracedFunctions: SELDOM_INVOKED,
  // Nothing is reserved: a new account has ten in all, of which AWS lets nobody reserve any.
  requestsPerSecond: 100,
  requestBurst: 200,
  settings: {},
};

export const prod: RelayStage = {
  name: "prod",
  keepsData: true,
  logRetentionDays: 90,
  // 100 invocations of five wakes: 500 feeds of up to 128 sessions send at the same time, and a hundred groups whose failed
  // sessions are due.
  maximumConcurrency: { ingest: 20, notify: 20, wake: 100, slow: 20 },
  tracedFunctions: SELDOM_INVOKED,
  // An append takes 20 to 100 ms: 100 of them side by side are a thousand a second and more.
  reservedConcurrency: { ingest: 100, api: 20 },
  requestsPerSecond: 1_000,
  requestBurst: 2_000,
  settings: {},
};
