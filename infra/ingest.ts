import { Construct } from "constructs";
import { queueLimits } from "../shared/aws/limits.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayParts } from "./relayParts.ts";

/** Events in, pages out. Its role does not know that sessions exist: however many there are, ingest stays the same. */
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
