import { Construct } from "constructs";
import { queueLimits } from "../shared/aws/limits.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayResources } from "./relayResources.ts";

/** Wakes the sessions parked at a feed's tail. It reads the queue and marks cursors. */
export class Notify extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, resources: RelayResources) {
    super(scope, id);
    this.function = new RelayFunction(this, "Function", {
      ...resources,
      name: "notify",
      memoryMebibytes: 256,
      timeoutSeconds: queueLimits.notify.functionTimeoutSeconds,
    });
  }
}
