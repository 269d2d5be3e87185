import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { local } from "../../../infra/localStage.ts";
import { nameIn } from "../../../infra/nameIn.ts";
import { readDeployment } from "../../../local/cloud/deployment.ts";
import { localCloud } from "../../../local/cloud/environment.ts";
import { clientSettings } from "../../../shared/aws/clients.ts";
import { tables } from "../../../shared/aws/resources.ts";
import { readSession } from "../../../shared/aws/sessions.ts";
import { eventually } from "../../support/eventually.ts";
import { RelayApi } from "../../support/relayApi.ts";

/** A cold start of every function on a busy machine, and a sweep after a lost hint. */
export const WITHIN_MILLIS = 150_000;

/** The relay at RELAY_URL and RELAY_API_KEY, or the one that was last deployed to the local cloud. */
export class DeployedRelay extends RelayApi {
  static async find(environment = process.env): Promise<DeployedRelay> {
    const { RELAY_URL: url, RELAY_API_KEY: apiKey } = environment;
    const found = url && apiKey ? { url, apiKey } : await readDeployment(environment);
    const relay = new DeployedRelay(found.url, found.apiKey);
    await eventually(`a healthy relay at ${relay.url}`, () => relay.isHealthy(), WITHIN_MILLIS);
    return relay;
  }
}

/** A new name for each test, so that a relay can be tested repeatedly. */
export function newFeed(): string {
  return `test-${randomUUID()}`;
}

/** The relay's ingest queue, as a producer uses it. */
export class IngestQueue implements Disposable {
  readonly #sqs: SQSClient;
  readonly #url: string;

  private constructor(sqs: SQSClient, url: string) {
    this.#sqs = sqs;
    this.#url = url;
  }

  static async find(environment = process.env): Promise<IngestQueue> {
    const url = environment.RELAY_INGEST_QUEUE_URL || (await readDeployment(environment)).ingestQueueUrl;
    const settings = clientSettings(localCloud(environment).variables, "SQS", 10_000);
    // The host in the URL may be one that only the cloud itself can reach.
    return new IngestQueue(new SQSClient({ ...settings, useQueueUrlAsEndpoint: false }), url);
  }

  async send(feed: string, body: string, deduplicationId: string): Promise<void> {
    await this.#sqs.send(
      new SendMessageCommand({
        QueueUrl: this.#url,
        MessageGroupId: feed,
        MessageDeduplicationId: deduplicationId,
        MessageBody: body,
      }),
    );
  }

  [Symbol.dispose](): void {
    this.#sqs.destroy();
  }
}

/** The group that has a session's cursor; undefined while the session has a row of its own. */
export async function groupOf(session: string, environment = process.env): Promise<string | undefined> {
  const client = new DynamoDBClient(clientSettings(localCloud(environment).variables, "DYNAMODB", 10_000));
  const documents = DynamoDBDocumentClient.from(client);
  try {
    const stored = await readSession(documents, nameIn(local, tables.sessions.name), session);
    return stored?.kind === "webhook" ? stored.group : undefined;
  } finally {
    documents.destroy();
  }
}
