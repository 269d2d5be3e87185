import { RecursiveLoop } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { queueLimits } from "../shared/aws/limits.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayParts } from "./relayParts.ts";

/**
 * Sends pages to webhooks. One function works both lanes, so that there is one role and one page cache; each lane has
 * its own queue and mapping, and with it its own limit: slow sessions can fill theirs and never the other's.
 *
 * It runs in no VPC: webhooks are on the public internet, and which addresses it may connect to is decided per
 * connection by shared/webhook/addressGuard.ts.
 */
export class Deliver extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, parts: RelayParts) {
    super(scope, id);
    this.function = new RelayFunction(this, "Function", {
      ...parts,
      name: "deliver",
      memoryMebibytes: 512,
      timeoutSeconds: Math.max(
        queueLimits.wake.functionTimeoutSeconds,
        queueLimits.slow.functionTimeoutSeconds,
      ),
      // A session that is behind, or whose endpoint is down, wakes itself again and again: turn after turn, for up to
      // three days. Lambda takes such a chain for a runaway loop and drops its messages after about 16 rounds:
      // https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
      // What bounds the chain is the row: a wake that finds nothing to do sends none.
      recursiveLoop: RecursiveLoop.ALLOW,
    });
  }
}
