import { Construct } from "constructs";
import { httpTimeoutSeconds } from "../shared/aws/limits.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayResources } from "./relayResources.ts";

/** Serves sessions and feeds over HTTP. It encrypts webhook secrets and cannot decrypt them. */
export class Api extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, resources: RelayResources) {
    super(scope, id);
    this.function = new RelayFunction(this, "Function", {
      ...resources,
      name: "api",
      memoryMebibytes: 512,
      timeoutSeconds: httpTimeoutSeconds,
    });
  }
}
