import { Duration } from "aws-cdk-lib";
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { queueLimits } from "../shared/aws/limits.ts";
import { type QueueName, queues } from "../shared/aws/resources.ts";
import { nameIn } from "./nameIn.ts";
import type { RelayStage } from "./stages.ts";

/** Feeds are message groups. High throughput keeps them from limiting each other, at no extra cost. */
const FIFO = {
  fifo: true,
  fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
  deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
};

/** The standard queue: encrypted, TLS only, with a dead-letter queue that keeps failed messages for 14 days. */
export class RelayQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { name, stage }: { name: QueueName; stage: RelayStage }) {
    super(scope, id);
    const limits = queueLimits[name];
    const definition = queues[name];
    const fifo = definition.fifo ? FIFO : {};
    const defaults = { ...fifo, encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    const plainName = definition.name.replace(/\.fifo$/, "");
    this.deadLetters = new Queue(this, "DeadLetters", {
      ...defaults,
      queueName: nameIn(stage, `${plainName}-dead-letters${definition.fifo ? ".fifo" : ""}`),
      retentionPeriod: Duration.days(14),
    });
    this.queue = new Queue(this, "Queue", {
      ...defaults,
      queueName: nameIn(stage, definition.name),
      visibilityTimeout: Duration.seconds(limits.visibilityTimeoutSeconds),
      retentionPeriod: Duration.seconds(limits.retentionSeconds),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: limits.maximumReceives },
    });
  }
}
