import { Construct } from "constructs";
import { RelayQueue } from "./relayQueue.ts";
import type { RelayStage } from "./stages.ts";

/** The way in for producers on SQS, and the ways of the hints. */
export class Queues extends Construct {
  readonly ingest: RelayQueue;
  readonly notify: RelayQueue;
  readonly wake: RelayQueue;
  /** The lane of slow sessions. */
  readonly slow: RelayQueue;

  constructor(scope: Construct, id: string, stage: RelayStage) {
    super(scope, id);
    this.ingest = new RelayQueue(this, "Ingest", { name: "ingest", stage });
    this.notify = new RelayQueue(this, "Notify", { name: "notify", stage });
    this.wake = new RelayQueue(this, "Wake", { name: "wake", stage });
    this.slow = new RelayQueue(this, "Slow", { name: "slow", stage });
  }
}
