import { PurgeQueueCommand } from "@aws-sdk/client-sqs";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, it } from "vitest";
import { createHandler as createIngest } from "../../functions/ingest/handler.ts";
import { createClients, destroyClients } from "../../shared/aws/clients.ts";
import { keys } from "../../shared/aws/keys.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { eventually } from "../support/eventually.ts";
import { appendRequest, ingestEnvironment } from "../support/ingestOnItsOwn.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

/** These tests change a row; test/proof/groupSweep.test.ts has the same for groups. */
const SINGLE = { RELAY_CURSOR_GROUPS: "0" };

describe("hints are only hints", () => {
  it("the sweep repairs a lost notify", async () => {
    await using relay = await TestRelay.start({ RELAY_SWEEP_SECONDS: "0.3" });
    await using receiver = await WebhookReceiver.start();
    await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    // This ingest sends its hints to a queue that does not exist, so they are lost.
    const environment = ingestEnvironment(relay, `${relay.relay.queues.notify.url}-lost`);
    const clients = createClients(environment);
    const ingest = createIngest(environment, { clients, log: silentLog, metrics: silentMetrics });
    const answer = await ingest(appendRequest("pbx", someEvents(3)));
    // The page is durable, so the append succeeds although the hint could not be sent.
    expect(answer).toMatchObject({ statusCode: 202 });
    await receiver.untilReceived("/", 3);
    destroyClients(clients);
  });

  it("the sweep repairs a lost wake: a signalled row with no wake in flight", async () => {
    await using relay = await TestRelay.start({ ...SINGLE, RELAY_SWEEP_SECONDS: "0.3" });
    await using receiver = await WebhookReceiver.start();
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    const { documents, sqs } = relay.relay.clients;
    await eventually(
      "the session's first wake handled",
      async () => (await relay.session(id)).cursor.state === "parked",
    );
    await documents.send(
      new UpdateCommand({
        TableName: relay.relay.tableNames.cursors,
        Key: keys.cursor("pbx", id),
        UpdateExpression: "SET #state = :signalled",
        ExpressionAttributeNames: { "#state": "state" },
        ExpressionAttributeValues: { ":signalled": "signalled" },
      }),
    );
    await sqs.send(new PurgeQueueCommand({ QueueUrl: relay.relay.queues.wake.url }));
    // Notify leaves a signalled row alone.
    await relay.append("pbx", someEvents(2));
    await receiver.untilReceived("/", 2);
  });

  it("the sweep wakes a session whose deliver function died while it held the lease", async () => {
    await using relay = await TestRelay.start({ ...SINGLE, RELAY_SWEEP_SECONDS: "0.3" });
    await using receiver = await WebhookReceiver.start();
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    await eventually("at rest", async () => (await relay.session(id)).cursor.state === "parked");
    await relay.relay.clients.documents.send(
      new UpdateCommand({
        TableName: relay.relay.tableNames.cursors,
        Key: keys.cursor("pbx", id),
        UpdateExpression: "SET #state = :active, leaseUntilEpochMillis = :soon, fence = fence + :one",
        ExpressionAttributeNames: { "#state": "state" },
        ExpressionAttributeValues: { ":active": "active", ":soon": Date.now() + 1_000, ":one": 1 },
      }),
    );
    await relay.append("pbx", someEvents(2));
    await receiver.untilReceived("/", 2);
  });
});
