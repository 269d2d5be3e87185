import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { GroupStore } from "../../shared/aws/cursorGroups.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import type { CursorGroup } from "../../shared/groups/group.ts";
import type { ListedGroup } from "../../shared/groups/membership.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { eventually } from "../support/eventually.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

const GROUPS = { RELAY_SEGMENT_SIZE: "10", RELAY_SWEEP_SECONDS: "3600", RELAY_CURSOR_GROUPS: "1" };
const SINGLE = { ...GROUPS, RELAY_CURSOR_GROUPS: "0" };

/** What differs between two relays, or between a row and a group: ids, secrets, times, and the marks of turns. */
const UNLIKE = new Set([
  "id",
  "session",
  "secret",
  "createdAt",
  "appendedAt",
  "lagSeconds",
  "leaseUntil",
  "fence",
]);

function comparable(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer ?? null).replaceAll(/ses_[0-9a-f]+/g, "SESSION"), (key, value) =>
    UNLIKE.has(key) ? typeof value : value,
  );
}

/** The groups of the feed, as DynamoDB has them. */
async function groupsOf(relay: TestRelay, feed: string): Promise<CursorGroup[]> {
  return (await listed(relay, feed)).map(({ group }) => group);
}

async function listed({ relay }: TestRelay, feed: string): Promise<ListedGroup[]> {
  const { documents } = relay.clients;
  const references = new ReferenceStore(documents, relay.tableNames.queue, systemClock);
  const groups = new GroupStore(documents, relay.tableNames.cursors, references, systemClock);
  return (await groups.listGroups(feed)).groups;
}

/** A life of some sessions whose endpoint is never reached, as each call of the API answered it. */
async function livesOf(relay: TestRelay): Promise<unknown[]> {
  const answers: unknown[] = [];
  const ids: string[] = [];
  const call = async (method: string, path: string, body?: unknown) => {
    const { status, json } = await relay.call(method, path, body === undefined ? {} : { body });
    answers.push({
      call: `${method} ${path.replace(/ses_[0-9a-f]+/, "SESSION")}`,
      status,
      json: comparable(json),
    });
    return json;
  };
  const create = async (settings: object) => {
    const { id } = await call("POST", "/v1/sessions", {
      feed: "pbx",
      url: "http://127.0.0.1:9/",
      ...settings,
    });
    ids.push(id);
    return `/v1/sessions/${id}`;
  };
  await relay.append("pbx", someEvents(25));
  const first = await create({});
  const second = await create({ maxBatch: 7, filter: { types: ["Dial"] } });
  await call("POST", "/v1/sessions", { feed: "pbx", url: "http://127.0.0.1:9/", from: 99 });
  for (const path of [first, second]) await call("PATCH", path, { state: "paused" });
  await call("PATCH", first, { next: 3 });
  await call("PATCH", second, { next: "head", url: "http://127.0.0.1:9/other" });
  await call("PATCH", second, { next: { time: "2020-01-01T00:00:00Z" } });
  await call("PATCH", second, { filter: { types: ["Hangup", "Dial"] }, maxBatch: 9 });
  await call("PATCH", second, { filter: null });
  await call("PATCH", first, { filter: { eventFilters: ["!Event"] } });
  await call("PATCH", first, { next: 999 });
  await call("PATCH", first, { rotateSecret: "with-overlap" });
  await call("PATCH", first, { username: "nobody" });
  await call("PATCH", first, {});
  for (const path of [first, second]) {
    await call("GET", path);
    await call("GET", `${path}/attempts`);
    for (const sequence of [1, 4, 25, 26]) await call("GET", `${path}/explain/${sequence}`);
  }
  await call("GET", "/v1/feeds/pbx");
  await call("DELETE", second);
  await call("DELETE", second);
  await call("GET", second);
  await call("GET", "/v1/feeds/pbx");
  await call("GET", "/v1/sessions");
  await call("DELETE", first);
  await call("GET", "/v1/feeds/pbx");
  await call("GET", "/v1/sessions");
  return answers;
}

describe("with cursor groups", () => {
  it("the API answers as it does without", async () => {
    await using single = await TestRelay.start(SINGLE);
    await using grouped = await TestRelay.start(GROUPS);
    const [singly, inGroups] = [await livesOf(single), await livesOf(grouped)];
    expect(inGroups).toEqual(singly);
  });

  it("sessions share a row, of which the API shows nothing", async () => {
    await using relay = await TestRelay.start(GROUPS);
    for (let count = 0; count < 3; count += 1)
      await relay.createSession({ feed: "pbx", url: "http://127.0.0.1:9/" });
    const [group, ...others] = await groupsOf(relay, "pbx");
    expect(others).toEqual([]);
    expect(Object.keys(group?.cursors ?? {})).toHaveLength(3);
    const { json } = await relay.expectCall(200, "GET", "/v1/sessions");
    expect(json.sessions).toHaveLength(3);
    expect(JSON.stringify(json)).not.toContain(group?.group);
    expect((await relay.feed("pbx")).segments).toEqual([{ segment: 0, messages: 0, references: 3 }]);
  });

  it("forty sessions created at once fill groups, and each is there once", async () => {
    await using relay = await TestRelay.start(GROUPS);
    const created = await Promise.all(
      Array.from({ length: 40 }, () => relay.createSession({ feed: "pbx", url: "http://127.0.0.1:9/" })),
    );
    const groups = await groupsOf(relay, "pbx");
    const sessions = groups.flatMap(({ cursors }) => Object.keys(cursors));
    expect(sessions.sort()).toEqual(created.map(({ id }) => id).sort());
    expect(groups.length).toBeLessThanOrEqual(6);
    await Promise.all(created.map(({ id }) => relay.expectCall(204, "DELETE", `/v1/sessions/${id}`)));
    expect(await groupsOf(relay, "pbx")).toEqual([]);
    expect((await relay.feed("pbx")).segments).toEqual([{ segment: 0, messages: 0, references: 0 }]);
  });

  it("a group wants what its sessions' filters want, as they come, change and go", async () => {
    await using relay = await TestRelay.start(GROUPS);
    const create = (...types: string[]) =>
      relay.createSession({ feed: "pbx", url: "http://127.0.0.1:9/", filter: { types } });
    const interest = async () => (await listed(relay, "pbx")).map((each) => each.interest);
    const [first, second] = [await create("Dial"), await create("Hangup")];
    expect(await interest()).toEqual([["Dial", "Hangup"]]);
    await relay.changeSession(second.id, { filter: { types: ["Bridge"] } });
    expect(await interest()).toEqual([["Bridge", "Dial"]]);
    await relay.changeSession(second.id, { maxBatch: 3 });
    await relay.deleteSession(first.id);
    expect(await interest()).toEqual([["Bridge"]]);
    await relay.changeSession(second.id, { filter: null });
    expect(await interest()).toEqual([undefined]);
  });

  it("two requests with one Idempotency-Key create one session", async () => {
    await using relay = await TestRelay.start(GROUPS);
    const body = { feed: "pbx", url: "http://127.0.0.1:9/" };
    const answers = await Promise.all(
      [1, 2, 3].map(() =>
        relay.expectCall(201, "POST", "/v1/sessions", { body, headers: { "idempotency-key": "once-only" } }),
      ),
    );
    expect(new Set(answers.map(({ json }) => `${json.id} ${json.secret}`)).size).toBe(1);
    const groups = await groupsOf(relay, "pbx");
    expect(groups.map(({ cursors }) => Object.keys(cursors))).toEqual([[answers[0]?.json.id]]);
  });

  it("a failed session's wake waits in the slow lane's queue, whose age no alarm watches", async () => {
    await using relay = await TestRelay.start(GROUPS);
    await using receiver = await WebhookReceiver.start();
    receiver.answer = (_request, count) => ({ status: count === 0 ? 500 : 204 });
    await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    await relay.append("pbx", someEvents(1));
    await eventually("a delayed wake", async () => (await delayed(relay, "slow")) === 1);
    expect(await delayed(relay, "wake")).toBe(0);
    await receiver.untilRequests("/", 2);
  });
});

describe("a relay whose groups are switched off, and on again", () => {
  it("serves its groups, lets nothing join them meanwhile, and loses and doubles nothing", async () => {
    const directory = await mkdtemp(join(tmpdir(), "stasis-relay-"));
    await using cleanUp = new AsyncDisposableStack();
    cleanUp.defer(() => rm(directory, { recursive: true }));
    await using receiver = await WebhookReceiver.start();
    const sweeping = { RELAY_SEGMENT_SIZE: "10", RELAY_SWEEP_SECONDS: "0.3" };
    const create = async (relay: TestRelay, path: string) =>
      (await relay.createSession({ feed: "pbx", url: receiver.url(path), from: "head" })).id;
    const members = async (relay: TestRelay) =>
      (await groupsOf(relay, "pbx")).flatMap(({ cursors }) => Object.keys(cursors)).sort();
    let appended = 0;
    const append = async (relay: TestRelay) => {
      await relay.append("pbx", someEvents(7, undefined, appended + 1));
      appended += 7;
    };
    const expectAll = async (...paths: string[]) => {
      for (const path of paths) {
        await receiver.untilReceived(path, appended);
        expect(receiver.sequences(path)).toEqual(Array.from({ length: appended }, (_, index) => index + 1));
      }
    };

    let first = "";
    let second = "";
    {
      await using on = await TestRelay.start(sweeping, directory);
      await append(on);
      first = await create(on, "/first");
      second = await create(on, "/second");
      await expectAll("/first", "/second");
      expect(await members(on)).toEqual([first, second].sort());
    }
    let third = "";
    {
      await using off = await TestRelay.start({ ...sweeping, RELAY_CURSOR_GROUPS: "0" }, directory);
      await append(off);
      third = await create(off, "/third");
      await append(off);
      await expectAll("/first", "/second", "/third");
      await off.deleteSession(second);
      await append(off);
      await expectAll("/first", "/third");
      expect(await members(off)).toEqual([first]);
      await off.changeSession(first, { state: "paused" });
      await append(off);
    }
    await using again = await TestRelay.start(sweeping, directory);
    await eventually("the third session in the group", async () => (await members(again)).includes(third));
    expect(await members(again)).toEqual([first, third].sort());
    await again.changeSession(first, { state: "active" });
    await append(again);
    await expectAll("/first", "/third");
  });
});

/** The messages in a queue of wakes whose time has not come. */
async function delayed({ relay }: TestRelay, queue: "wake" | "slow"): Promise<number> {
  const { Attributes } = await relay.clients.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: relay.queues[queue].url,
      AttributeNames: ["ApproximateNumberOfMessagesDelayed"],
    }),
  );
  return Number(Attributes?.ApproximateNumberOfMessagesDelayed);
}
