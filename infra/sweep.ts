import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { Construct } from "constructs";
import { keyPatterns } from "../shared/aws/keys.ts";
import { sweepIntervalSeconds, sweepTimeoutSeconds } from "../shared/aws/limits.ts";
import { environmentNames } from "../shared/aws/resources.ts";
import { onItems, onTable, sendTo } from "./permissions.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayParts } from "./relayParts.ts";

/**
 * Repairs lost hints, moves lagging sessions, and frees what nobody needs, every minute.
 *
 * No reserved concurrency keeps two sweeps apart: it would take a share of the account's limit (ten, in a new
 * account), and is not needed. A sweep ends before the next one begins, and two at once are safe.
 */
export class Sweep extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, { stage, storage, queues }: Omit<RelayParts, "secrets">) {
    super(scope, id);
    const { pages, heads, references } = keyPatterns;
    this.function = new RelayFunction(this, "Function", {
      name: "sweep",
      stage,
      memoryMebibytes: 256,
      timeoutSeconds: sweepTimeoutSeconds,
      environment: {
        [environmentNames.queueTable]: storage.queue.tableName,
        [environmentNames.cursorsTable]: storage.cursors.tableName,
        [environmentNames.wakeQueueUrl]: queues.wake.queue.queueUrl,
        [environmentNames.slowQueueUrl]: queues.slow.queue.queueUrl,
      },
      permissions: [
        onItems(storage.queue, [heads], "GetItem"),
        onItems(storage.queue, [pages, heads, references], "Query"),
        onItems(storage.queue, [heads, references], "UpdateItem"),
        onItems(storage.queue, [references], "ConditionCheckItem"),
        onItems(storage.queue, [pages, references], "BatchWriteItem"),
        onTable(storage.cursors, "Query", "UpdateItem"),
        sendTo(queues.wake.queue, queues.slow.queue),
      ],
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
