import type { Queues } from "./queues.ts";
import type { Secrets } from "./secrets.ts";
import type { RelayStage } from "./stages.ts";
import type { Storage } from "./storage.ts";

/** The constructs that every function is built from. Each function takes those that it needs. */
export interface RelayResources {
  readonly stage: RelayStage;
  readonly storage: Storage;
  readonly queues: Queues;
  readonly secrets: Secrets;
}
