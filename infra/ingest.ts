import { Construct } from "constructs";
import { queueLimits } from "../shared/aws/limits.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayResources } from "./relayResources.ts";

/** Turns events into pages. Its role reaches no session, so its cost does not depend on the number of sessions. */
export class Ingest extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, resources: RelayResources) {
    super(scope, id);
    this.function = new RelayFunction(this, "Function", {
      ...resources,
      name: "ingest",
      memoryMebibytes: 512,
      timeoutSeconds: queueLimits.ingest.functionTimeoutSeconds,
    });
  }
}
