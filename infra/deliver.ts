import { RecursiveLoop } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { keyPatterns } from "../shared/aws/keys.ts";
import { queueLimits } from "../shared/aws/limits.ts";
import { environmentNames } from "../shared/aws/resources.ts";
import { onItems, onTable, onWebhookSecrets, receiveFrom, sendTo } from "./permissions.ts";
import { RelayFunction } from "./relayFunction.ts";
import type { RelayParts } from "./relayParts.ts";

/**
 * Sends pages to webhooks. One function works both lanes, so that there is one role and one page cache; each lane has
 * its own queue and mapping, and with it its own limit: slow sessions can fill theirs and never the other's.
 *
 * It runs in no VPC: webhooks are on the public internet, and which addresses it may connect to is decided per
 * connection by shared/delivery/addressGuard.ts.
 */
export class Deliver extends Construct {
  readonly function: RelayFunction;

  constructor(scope: Construct, id: string, { stage, storage, queues, secrets }: RelayParts) {
    super(scope, id);
    const { pages, references } = keyPatterns;
    this.function = new RelayFunction(this, "Function", {
      name: "deliver",
      stage,
      memoryMebibytes: 512,
      timeoutSeconds: Math.max(
        queueLimits.wake.functionTimeoutSeconds,
        queueLimits.slow.functionTimeoutSeconds,
      ),
      environment: {
        [environmentNames.queueTable]: storage.queue.tableName,
        [environmentNames.cursorsTable]: storage.cursors.tableName,
        [environmentNames.sessionsTable]: storage.sessions.tableName,
        [environmentNames.wakeQueueUrl]: queues.wake.queue.queueUrl,
        [environmentNames.slowQueueUrl]: queues.slow.queue.queueUrl,
        [environmentNames.webhookSecretKeyArn]: secrets.webhookSecretKey.keyArn,
      },
      permissions: [
        onItems(storage.queue, [pages], "Query"),
        onItems(storage.queue, [references], "UpdateItem"),
        onTable(storage.cursors, "GetItem", "UpdateItem"),
        onTable(storage.sessions, "GetItem"),
        onWebhookSecrets(secrets.webhookSecretKey, "Decrypt"),
        sendTo(queues.wake.queue, queues.slow.queue),
        receiveFrom(queues.wake.queue, queues.slow.queue),
      ],
      // A session that is behind, or whose endpoint is down, wakes itself again and again: turn after turn, for up to
      // three days. Lambda takes such a chain for a runaway loop and drops its messages after about 16 rounds:
      // https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
      // What bounds the chain is the row: a wake that finds nothing to do sends none.
      recursiveLoop: RecursiveLoop.ALLOW,
    });
    this.function.workOn("wake", queues.wake);
    this.function.workOn("slow", queues.slow);
  }
}
