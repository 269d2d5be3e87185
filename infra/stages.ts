import type { QueueName } from "../shared/aws/resources.ts";

/** How one copy of the relay differs from another. Whatever is not here is the same in all of them. */
export interface RelayStage {
  /** Ends every name, so that two stages can live in one account. */
  readonly name: string;
  /** Tables, key and secret outlive the stack, and the tables refuse to be deleted. */
  readonly keepsData: boolean;
  readonly logRetentionDays: number;
  /**
   * Invocations at the same time, per queue (2 to 1,000). Times the batch size it is how many feeds or sessions are
   * worked on at once; together they should stay below the account's limit of concurrent executions.
   */
  readonly maximumConcurrency: Readonly<Record<QueueName, number>>;
  /** What the HTTP API lets through before it answers 429. */
  readonly requestsPerSecond: number;
  readonly requestBurst: number;
  /** Gets every alarm; without it nobody does until something subscribes to the topics. */
  readonly alarmEmail?: string;
  /** `RELAY_*` settings of all functions, where they differ from the defaults in shared/runtime/settings.ts. */
  readonly settings: Readonly<Record<string, string>>;
}

export const dev: RelayStage = {
  name: "dev",
  keepsData: false,
  logRetentionDays: 7,
  maximumConcurrency: { ingest: 2, notify: 2, wake: 10, slow: 2 },
  requestsPerSecond: 100,
  requestBurst: 200,
  settings: {},
};

export const prod: RelayStage = {
  name: "prod",
  keepsData: true,
  logRetentionDays: 90,
  // 100 invocations of ten wakes: a thousand sessions send at once, and another hundred slow ones beside them.
  maximumConcurrency: { ingest: 20, notify: 20, wake: 100, slow: 20 },
  requestsPerSecond: 1_000,
  requestBurst: 2_000,
  settings: {},
};
