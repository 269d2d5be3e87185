import { Construct } from "constructs";
import { keyPatterns } from "../shared/aws/keys.ts";
import { queueLimits } from "../shared/aws/limits.ts";
import { environmentNames } from "../shared/aws/resources.ts";
import { onItems, onTable, receiveFrom, sendTo } from "./permissions.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayParts } from "./relayParts.ts";

/** Wakes the sessions that are parked behind a feed's tail. It reads the queue and marks cursors. */
export class Notify extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, { stage, storage, queues }: Omit<RelayParts, "secrets">) {
    super(scope, id);
    const { pages, heads } = keyPatterns;
    this.function = new RelayFunction(this, "Function", {
      name: "notify",
      stage,
      memoryMebibytes: 256,
      timeoutSeconds: queueLimits.notify.functionTimeoutSeconds,
      environment: {
        [environmentNames.queueTable]: storage.queue.tableName,
        [environmentNames.cursorsTable]: storage.cursors.tableName,
        [environmentNames.wakeQueueUrl]: queues.wake.queue.queueUrl,
        [environmentNames.slowQueueUrl]: queues.slow.queue.queueUrl,
      },
      permissions: [
        onItems(storage.queue, [heads], "GetItem"),
        onItems(storage.queue, [pages], "Query"),
        onTable(storage.cursors, "Query", "UpdateItem"),
        sendTo(queues.wake.queue, queues.slow.queue),
        receiveFrom(queues.notify.queue),
      ],
    });
    this.function.workOn("notify", queues.notify);
  }
}
