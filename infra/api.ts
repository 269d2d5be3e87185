import { Construct } from "constructs";
import { keyPatterns } from "../shared/aws/keys.ts";
import { httpTimeoutSeconds } from "../shared/aws/limits.ts";
import { environmentNames } from "../shared/aws/resources.ts";
import { onItems, onTable, onWebhookSecrets, readSecret, sendTo } from "./permissions.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayParts } from "./relayParts.ts";

/** Sessions and feeds for people and programs. It encrypts webhook secrets and cannot decrypt them. */
export class Api extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, { stage, storage, queues, secrets }: RelayParts) {
    super(scope, id);
    const { pages, heads, references } = keyPatterns;
    this.function = new RelayFunction(this, "Function", {
      name: "api",
      stage,
      memoryMebibytes: 512,
      timeoutSeconds: httpTimeoutSeconds,
      environment: {
        [environmentNames.queueTable]: storage.queue.tableName,
        [environmentNames.cursorsTable]: storage.cursors.tableName,
        [environmentNames.sessionsTable]: storage.sessions.tableName,
        [environmentNames.wakeQueueUrl]: queues.wake.queue.queueUrl,
        [environmentNames.slowQueueUrl]: queues.slow.queue.queueUrl,
        [environmentNames.apiKeySecretArn]: secrets.managementKeyArn,
        [environmentNames.webhookSecretKeyArn]: secrets.webhookSecretKey.keyArn,
      },
      permissions: [
        onItems(storage.queue, [heads], "GetItem", "PutItem", "ConditionCheckItem"),
        onItems(storage.queue, [pages, references], "Query"),
        onItems(storage.queue, [heads, references], "UpdateItem"),
        onTable(storage.cursors, "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem"),
        onTable(storage.sessions, "GetItem", "Scan", "PutItem", "DeleteItem"),
        onWebhookSecrets(secrets.webhookSecretKey, "Encrypt"),
        sendTo(queues.wake.queue, queues.slow.queue),
        readSecret(secrets.managementKeyArn),
      ],
    });
  }
}
