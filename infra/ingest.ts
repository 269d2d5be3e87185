import { Construct } from "constructs";
import { keyPatterns } from "../shared/aws/keys.ts";
import { queueLimits } from "../shared/aws/limits.ts";
import { environmentNames } from "../shared/aws/resources.ts";
import { onItems, readSecret, receiveFrom, sendTo } from "./permissions.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayParts } from "./relayParts.ts";

/** Events in, pages out. Its role does not know that sessions exist: however many there are, ingest stays the same. */
export class Ingest extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, { stage, storage, queues, secrets }: RelayParts) {
    super(scope, id);
    const { pages, heads } = keyPatterns;
    this.function = new RelayFunction(this, "Function", {
      name: "ingest",
      stage,
      memoryMebibytes: 512,
      timeoutSeconds: queueLimits.ingest.functionTimeoutSeconds,
      environment: {
        [environmentNames.queueTable]: storage.queue.tableName,
        [environmentNames.notifyQueueUrl]: queues.notify.queue.queueUrl,
        [environmentNames.apiKeySecretArn]: secrets.managementKeyArn,
      },
      permissions: [
        onItems(storage.queue, [pages, heads], "GetItem", "PutItem"),
        onItems(storage.queue, [pages], "Query"),
        sendTo(queues.notify.queue),
        receiveFrom(queues.ingest.queue),
        readSecret(secrets.managementKeyArn),
      ],
    });
    this.function.workOn("ingest", queues.ingest);
  }
}
