import { Construct } from "constructs";
import { queueLimits } from "../shared/aws/limits.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayParts } from "./relayParts.ts";

/** Wakes the sessions parked behind a feed's tail. It reads the queue and marks cursors. */
export class Notify extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, parts: RelayParts) {
    super(scope, id);
    this.function = new RelayFunction(this, "Function", {
      ...parts,
      name: "notify",
      memoryMebibytes: 256,
      timeoutSeconds: queueLimits.notify.functionTimeoutSeconds,
    });
  }
}
