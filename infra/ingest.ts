import { Construct } from "constructs";
import { queueLimits } from "../shared/aws/limits.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayParts } from "./relayParts.ts";

/** Turns events into pages. Its role reaches no session, so its cost does not depend on how many there are. */
export class Ingest extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, parts: RelayParts) {
    super(scope, id);
    this.function = new RelayFunction(this, "Function", {
      ...parts,
      name: "ingest",
      memoryMebibytes: 512,
      timeoutSeconds: queueLimits.ingest.functionTimeoutSeconds,
    });
  }
}
