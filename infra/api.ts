import { Construct } from "constructs";
import { httpTimeoutSeconds } from "../shared/aws/limits.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayParts } from "./relayParts.ts";

/** Serves sessions and feeds over HTTP. It encrypts webhook secrets and cannot decrypt them. */
export class Api extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, parts: RelayParts) {
    super(scope, id);
    this.function = new RelayFunction(this, "Function", {
      ...parts,
      name: "api",
      memoryMebibytes: 512,
      timeoutSeconds: httpTimeoutSeconds,
    });
  }
}
