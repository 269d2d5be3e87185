import { RecursiveLoop } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { queueLimits } from "../shared/aws/limits.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayResources } from "./relayResources.ts";

/**
 * Sends pages to webhooks. One function serves both lanes, with one role and one page cache. Each lane has its own
 * queue, event source mapping and concurrency limit, so slow sessions cannot take concurrency from the fast lane. Groups of
 * sessions have no lanes, but the slow one's queue has their delayed wakes and the test messages.
 *
 * It runs outside any VPC, because webhooks are on the public internet. shared/webhook/addressGuard.ts decides for each
 * connection whether the address is allowed.
 */
export class Deliver extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, resources: RelayResources) {
    super(scope, id);
    this.function = new RelayFunction(this, "Function", {
      ...resources,
      name: "deliver",
      memoryMebibytes: 512,
      timeoutSeconds: Math.max(
        queueLimits.wake.functionTimeoutSeconds,
        queueLimits.slow.functionTimeoutSeconds,
      ),
      // A session that lags, or whose endpoint is down, wakes itself turn after turn, for up to three days. Lambda
      // takes such a chain for a runaway loop and discards its messages after about 16 rounds:
      // https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
      // The row ends the chain: a wake that finds nothing to do sends no further wake.
      recursiveLoop: RecursiveLoop.ALLOW,
    });
  }
}
