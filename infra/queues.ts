import { Construct } from "constructs";
import { forEachName, type QueueName, queues } from "../shared/aws/resources.ts";
import { capitalised } from "./nameIn.ts";
import { RelayQueue } from "./relayQueue.ts";
import type { RelayStage } from "./stages.ts";

/** One queue for producers, and three for hints. */
export type Queues = Readonly<Record<QueueName, RelayQueue>>;

export function createQueues(scope: Construct, id: string, stage: RelayStage): Queues {
  const parent = new Construct(scope, id);
  return forEachName(queues, (name) => new RelayQueue(parent, capitalised(name), { name, stage }));
}
