import { PutCommand, type TransactWriteCommandInput, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openAttempts } from "../../shared/aws/attempts.ts";
import { type AwsClients, destroyClients } from "../../shared/aws/clients.ts";
import { keys } from "../../shared/aws/keys.ts";
import { openSessions } from "../../shared/aws/openSessions.ts";
import { queues, type ServiceName, tables } from "../../shared/aws/resources.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import type { Environment } from "../../shared/runtime/settings.ts";
import type { Attempt } from "../../shared/sessions/attempt.ts";
import { newCursor } from "../../shared/sessions/cursor.ts";
import { AmiClient } from "../gateway/store/amiClient.ts";
import { eventually } from "../support/eventually.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";
import { devWithGateway } from "./support/gatewayStage.ts";
import { RoleGuard } from "./support/roleGuard.ts";
import { grantsOf } from "./support/statements.ts";
import { templateOf } from "./support/synthesise.ts";

const template = templateOf(devWithGateway);

const ATTEMPT: Attempt = {
  outcome: "accepted",
  sinceEpochMillis: 0,
  atEpochMillis: 0,
  durationMillis: 1,
  requests: 1,
  batch: "batch",
  first: 1,
  last: 1,
  messages: 1,
};
const names: readonly ServiceName[] = ["ingest", "notify", "deliver", "sweep", "api", "gateway"];
const guards = new Map(names.map((name) => [name, new RoleGuard(grantsOf(template, name))]));
const guarded: AwsClients[] = [];

function clientsOf(name: ServiceName, connection: Environment): AwsClients {
  const guard = guards.get(name);
  if (guard === undefined) throw new Error(`${name} has no role`);
  const clients = guard.clients(connection);
  if (name === "sweep") overtakeOnce(clients);
  guarded.push(clients);
  return clients;
}

/** Once, a holder writes a group just before the sweep's transaction, which then reads the row again. */
function overtakeOnce({ documents }: AwsClients): void {
  let isDone = false;
  documents.middlewareStack.add(
    (next) => async (call) => {
      const { TransactItems = [] } = call.input as Partial<TransactWriteCommandInput>;
      const group = TransactItems.flatMap(({ Update }) => Update ?? []).find(
        ({ ConditionExpression }) => ConditionExpression === "#version = :versionRead",
      );
      if (group !== undefined && !isDone) {
        isDone = true;
        await relay.relay.clients.documents.send(
          new UpdateCommand({
            TableName: group.TableName,
            Key: group.Key,
            UpdateExpression: "ADD #version :one",
            ExpressionAttributeNames: { "#version": "version" },
            ExpressionAttributeValues: { ":one": 1 },
          }),
        );
      }
      return next(call);
    },
    { step: "initialize", priority: "low", name: "overtakeOnce" },
  );
}

/** Sessions in groups, and one with a row of its own that the sweep packs. */
async function useGroups(): Promise<void> {
  await using grouped = await TestRelay.start(
    { RELAY_SEGMENT_SIZE: "10", RELAY_SWEEP_SECONDS: "0.15" },
    undefined,
    { clientsOf, amiPort: 0 },
  );
  const { clients, tableNames, queues: urls } = grouped.relay;
  const environment = {
    [tables.queue.variable]: tableNames.queue,
    [tables.cursors.variable]: tableNames.cursors,
    [tables.sessions.variable]: tableNames.sessions,
    [tables.attempts.variable]: tableNames.attempts,
    [queues.wake.variable]: urls.wake.url,
    [queues.slow.variable]: urls.slow.url,
  };
  const stores = openSessions(environment, clients, systemClock);
  const url = receiver.url("/grouped");
  receiver.answer = () => ({ status: 204 });
  const created = await grouped.createSession({ feed: "pbx", url });
  const other = await grouped.createSession({ feed: "pbx", url });
  // No group has room for it on its own feed, so it begins one.
  await grouped.append("alone", someEvents(1));
  const single = {
    feed: "alone",
    session: "ses_single",
    next: 1,
    segmentSize: 10,
    interest: undefined,
    nowEpochMillis: Date.now(),
  };
  const session = await stores.sessions.readSession(created.id);
  if (session?.kind !== "webhook") throw new Error("no session");
  await stores.sessions.create(newCursor(single), {
    ...session,
    feed: single.feed,
    session: single.session,
    group: undefined,
    idempotency: undefined,
  });
  await eventually(
    "the row to be packed",
    async () => (await stores.cursors.readCursor(single.feed, single.session)) === undefined,
  );
  await grouped.append("pbx", someEvents(25));
  // Deliver crosses with the slowest session of the group.
  for (const { id } of [created, other])
    await eventually("delivery", async () => (await grouped.session(id)).next === 26);
  // Deliver shares a call between sessions that it reads or records at the same time. Whether it does here is chance.
  const asDeliver = clientsOf("deliver", grouped.relay.connection);
  const readSession = openSessions(environment, asDeliver, systemClock).sessions.gatheredReads();
  const attempts = openAttempts(environment, asDeliver, systemClock);
  const pair = [created.id, other.id];
  expect((await Promise.all(pair.map(readSession))).map((found) => found?.session)).toEqual(pair);
  await Promise.all(pair.map((each) => attempts.putAttempts(each, [ATTEMPT])));
  await grouped.changeSession(created.id, { filter: { types: ["Dial"] } });
  await Array.fromAsync(grouped.listSessions());
  await grouped.deleteSession(created.id);
}

let relay: TestRelay;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await WebhookReceiver.start();
  relay = await TestRelay.start(
    {
      RELAY_SEGMENT_SIZE: "10",
      RELAY_FREE_GRACE_SECONDS: "5",
      RELAY_SWEEP_SECONDS: "0.15",
      RELAY_RETENTION_MESSAGES: "60",
    },
    undefined,
    { clientsOf, amiPort: 0 },
  );
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  guarded.forEach(destroyClients);
});

it("the roles allow all of the relay's work, and the relay uses all of their rights", {
  timeout: 90_000,
}, async () => {
  await relay.changeFeed("pbx", { wrapUnmapped: true });
  const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/quick") });
  const lagging = await relay.createSession({ feed: "pbx", url: receiver.url("/lagging") });
  await relay.changeSession(lagging.id, { state: "paused" });

  // Ingest creates a feed, and looks up a resend in an older page.
  const { first: onlyPage } = await relay.append("other", someEvents(1));
  const producer = (position: number) => ({ producer: "bridge", position });
  await relay.append("pbx", someEvents(5), producer(1));
  await relay.append("pbx", someEvents(5), producer(6));
  await relay.append("pbx", someEvents(5), producer(1));
  await receiver.untilReceived("/quick", 10);

  // Deliver crosses segments; an endpoint that fails moves its session to the slow lane.
  receiver.answer = (_request, count) => ({ status: count === 2 ? 500 : 204 });
  await relay.append("pbx", someEvents(25));
  await receiver.untilReceived("/quick", 35);

  // The sweep moves the session that lags beyond the retention, frees, and deletes.
  await relay.append("pbx", someEvents(60));
  await eventually("freed segments", async () => (await relay.feed("pbx")).head > 1);

  // A position begins in a segment, and is in another one when its connection ends.
  const username = "wallboard";
  const { id: user, secret } = await relay.createSession({
    feed: "pbx",
    kind: "ami",
    username,
    resume: true,
  });
  const client = await AmiClient.login(relay.relay.amiPorts.port ?? 0, username, secret);
  const before = (await relay.amiUser(user)).cursor?.segment ?? 0;
  await relay.append("pbx", someEvents(20));
  await eventually(
    "the position to cross",
    async () => ((await relay.amiUser(user)).cursor?.segment ?? 0) > before,
    30_000,
  );
  await client[Symbol.asyncDispose]();
  await relay.changeSession(user, { resume: false });
  await relay.deleteSession(user);

  // The sweep keeps the last page of a feed that has gone quiet.
  await relay.relay.clients.documents.send(
    new UpdateCommand({
      TableName: relay.relay.tableNames.queue,
      Key: keys.page("other", 0, onlyPage ?? 0),
      UpdateExpression: "SET appendedAtEpochMillis = :longAgo, expiresAtEpochSeconds = :soon",
      ExpressionAttributeValues: { ":longAgo": 0, ":soon": 1 },
    }),
  );

  await relay.messages("pbx", { limit: 5 });
  await relay.attempts(id);
  await relay.testSession(id);
  await Array.fromAsync(relay.listSessions());
  await relay.changeSession(id, { next: "head", rotateSecret: true });
  await relay.deleteSession(lagging.id);

  // One key reads and another appends, so that both functions record a use.
  const reader = await relay.createKey({ name: "reader", role: "reader", feeds: ["*"] });
  await Array.fromAsync(relay.as(reader.key).listFeeds());
  await relay.as(reader.key).producers("pbx");
  const bridge = await relay.createKey({ name: "bridge", role: "producer", feeds: ["many"] });
  // More producers than a page remembers: the others are archived.
  for (let count = 0; count < 34; count += 1)
    await relay.as(bridge.key).append("many", someEvents(1), { producer: `p${count}`, position: 1 });
  await Array.fromAsync(relay.listKeys());
  await relay.deleteKey(bridge.id);

  await useGroups();

  const all = (list: "refused" | "unused") =>
    [...guards].flatMap(([name, guard]) => guard[list].map((what) => `${name}: ${what}`));
  expect(all("refused")).toEqual([]);
  // The sweep deletes freed pages a moment later.
  await expect.poll(() => all("unused"), { timeout: 10_000 }).toEqual([]);
});

it("a call that the role does not allow is refused, as by IAM", async () => {
  const clients = guards.get("ingest")?.clients({ AWS_REGION: "us-east-1" });
  const attempt = clients?.documents.send(
    new PutCommand({ TableName: tables.queue.name, Item: { pk: "reference#pbx", sk: "0" } }),
  );
  await expect(attempt).rejects.toThrow(
    "not authorized to perform dynamodb:PutItem on StorageQueue reference#pbx",
  );
});
