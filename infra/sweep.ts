import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { Construct } from "constructs";
import { sweepIntervalSeconds, sweepTimeoutSeconds } from "../shared/aws/limits.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayResources } from "./relayResources.ts";

/**
 * Repairs lost hints, moves lagging sessions and frees unneeded segments, every minute.
 *
 * It has no reserved concurrency, which would take a share of the account's limit (ten in a new account). A sweep ends
 * before the next one begins, and two at once are safe.
 */
export class Sweep extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, resources: RelayResources) {
    super(scope, id);
    this.function = new RelayFunction(this, "Function", {
      ...resources,
      name: "sweep",
      memoryMebibytes: 256,
      timeoutSeconds: sweepTimeoutSeconds,
    });
    this.function.function.configureAsyncInvoke({
      // The next sweep is the retry.
      retryAttempts: 0,
      maxEventAge: Duration.seconds(sweepIntervalSeconds),
    });
    new Rule(this, "EveryMinute", {
      schedule: Schedule.rate(Duration.seconds(sweepIntervalSeconds)),
      targets: [new LambdaFunction(this.function.function, { retryAttempts: 0 })],
    });
  }
}
