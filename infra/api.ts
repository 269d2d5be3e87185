import { join } from "node:path";
import { Construct } from "constructs";
import { httpTimeoutSeconds } from "../shared/aws/limits.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayResources } from "./relayResources.ts";

const BUILD_CONSOLE = join(import.meta.dirname, "../console/build/main.ts");

/** Serves sessions, feeds and the console over HTTP. It encrypts webhook secrets and cannot decrypt them. */
export class Api extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, resources: RelayResources) {
    super(scope, id);
    this.function = new RelayFunction(this, "Function", {
      ...resources,
      name: "api",
      memoryMebibytes: 512,
      timeoutSeconds: httpTimeoutSeconds,
      // The console's scripts and styles lie beside the function, which reads each when it is asked for.
      afterBundling: (directory) => [
        `"${process.execPath}" "${BUILD_CONSOLE}" "${join(directory, "console")}"`,
      ],
    });
  }
}
