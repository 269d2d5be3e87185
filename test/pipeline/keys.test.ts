import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RelayCallError, type Role } from "../../client/index.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { eventually } from "../support/eventually.ts";
import type { RelayApi } from "../support/relayApi.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

/** The system's clock, which a test can move ahead. */
const clock = {
  aheadMillis: 0,
  nowEpochMillis: () => Date.now() + clock.aheadMillis,
  sleep: systemClock.sleep,
};

let relay: TestRelay;
let receiver: WebhookReceiver;
let sessions: { pbx: string; other: string };

beforeAll(async () => {
  relay = await TestRelay.start({}, undefined, { clock });
  receiver = await WebhookReceiver.start();
  await relay.append("pbx-1", someEvents(3));
  await relay.append("other", someEvents(2));
  const url = receiver.url("/");
  sessions = {
    pbx: (await relay.createSession({ feed: "pbx-1", url })).id,
    other: (await relay.createSession({ feed: "other", url })).id,
  };
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

async function keyFor(role: Role, feeds?: readonly string[]): Promise<RelayApi & { id: string }> {
  const limits = feeds && { feeds };
  const { key, id } = await relay.createKey(
    role === "manager" ? { name: role, role, ...limits } : { name: role, role, feeds: feeds ?? ["*"] },
  );
  return Object.assign(relay.as(key), { id });
}

/** The call's status, and the problem's code if it failed. */
async function outcomeOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return "ok";
  } catch (error) {
    if (!(error instanceof RelayCallError)) throw error;
    return `${error.status} ${error.code}`;
  }
}

const ROLE = "403 key.role";
const FEED = "403 key.feed";

type Calls = Readonly<Record<string, (api: RelayApi) => Promise<unknown>>>;

/** Every call of the interface on a feed; the calls that would destroy something aim at what does not exist. */
const onFeed = (feed: string, session: () => string): Calls => ({
  append: (api) => api.append(feed, someEvents(1)),
  "append AMI": (api) =>
    api.appendAmi(feed, "Event: Newchannel\r\nPrivilege: call,all\r\nChannel: SIP/1\r\n\r\n"),
  feed: (api) => api.feed(feed),
  messages: (api) => api.messages(feed),
  producers: (api) => api.producers(feed),
  session: (api) => api.session(session()),
  "change feed": (api) => api.changeFeed(feed, { wrapUnmapped: false }),
  "create session": (api) => api.createSession({ feed, url: receiver.url("/") }),
  "change session": (api) => api.changeSession(session(), { maxBatch: 50 }),
});
const own = onFeed("pbx-1", () => sessions.pbx);
const foreign = onFeed("other", () => sessions.other);
const keyCalls: Calls = {
  "list keys": (api) => Array.fromAsync(api.listKeys()),
  "create key": (api) => api.createKey({ name: "x", role: "reader", feeds: ["none"] }),
  "delete key": (api) => api.deleteKey("key_none"),
};

async function outcomes(api: RelayApi, calls: Calls): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const [name, call] of Object.entries(calls)) all[name] = await outcomeOf(() => call(api));
  return all;
}

describe("a key", () => {
  it("of a producer appends to its feeds, and can do nothing else", async () => {
    const producer = await keyFor("producer", ["pbx-*"]);
    expect(await outcomes(producer, own)).toEqual({
      append: "ok",
      "append AMI": "ok",
      feed: ROLE,
      messages: ROLE,
      producers: ROLE,
      session: ROLE,
      "change feed": ROLE,
      "create session": ROLE,
      "change session": ROLE,
    });
    const others = await outcomes(producer, foreign);
    expect([others.append, others["append AMI"], others.messages]).toEqual([FEED, FEED, ROLE]);
    expect(await outcomeOf(() => Array.fromAsync(producer.listFeeds()))).toBe(ROLE);
    expect(await outcomeOf(() => Array.fromAsync(producer.listSessions()))).toBe(ROLE);
    expect(new Set(Object.values(await outcomes(producer, keyCalls)))).toEqual(new Set([ROLE]));
  });

  it("of a reader reads its feeds and their sessions, and changes nothing", async () => {
    const reader = await keyFor("reader", ["pbx-*"]);
    const before = await relay.session(sessions.pbx);
    expect(await outcomes(reader, own)).toEqual({
      append: ROLE,
      "append AMI": ROLE,
      feed: "ok",
      messages: "ok",
      producers: "ok",
      session: "ok",
      "change feed": ROLE,
      "create session": ROLE,
      "change session": ROLE,
    });
    const others = await outcomes(reader, foreign);
    expect([others.feed, others.messages, others.producers, others.session]).toEqual([
      FEED,
      FEED,
      FEED,
      FEED,
    ]);
    expect(new Set(Object.values(await outcomes(reader, keyCalls)))).toEqual(new Set([ROLE]));
    expect(await outcomeOf(() => reader.deleteSession(sessions.pbx))).toBe(ROLE);
    expect((await relay.session(sessions.pbx)).maxBatch).toBe(before.maxBatch);
  });

  it("of a reader lists its feeds and their sessions only, page by page", async () => {
    const reader = await keyFor("reader", ["pbx-1"]);
    expect((await Array.fromAsync(reader.listFeeds(1))).map(({ feed }) => feed)).toEqual(["pbx-1"]);
    const listed = await Array.fromAsync(reader.listSessions(1));
    expect(new Set(listed.map(({ feed }) => feed))).toEqual(new Set(["pbx-1"]));
    expect(listed.map(({ id }) => id)).toContain(sessions.pbx);
    const all = await Array.fromAsync(relay.listSessions(1));
    expect(all.map(({ feed }) => feed)).toContain("other");
  });

  it("of a manager may do everything, and makes further keys", async () => {
    const manager = await keyFor("manager");
    for (const calls of [own, foreign])
      expect(new Set(Object.values(await outcomes(manager, calls)))).toEqual(new Set(["ok"]));
    expect(await outcomes(manager, keyCalls)).toEqual({
      "list keys": "ok",
      "create key": "ok",
      "delete key": "404 key.unknown",
    });
  });

  it("of a manager of some feeds manages those, and no keys: it could make one for any feed", async () => {
    const manager = await keyFor("manager", ["pbx-*"]);
    expect(new Set(Object.values(await outcomes(manager, own)))).toEqual(new Set(["ok"]));
    expect(new Set(Object.values(await outcomes(manager, foreign)))).toEqual(new Set([FEED]));
    expect(new Set(Object.values(await outcomes(manager, keyCalls)))).toEqual(new Set([FEED]));
  });

  it("with the wrong role is told which one would do, in the relay's form of a problem", async () => {
    const { key } = await relay.createKey({ name: "r", role: "reader", feeds: ["pbx-*"] });
    const byRole = await relay.call("POST", "/v1/feeds/pbx-1/events", { key, body: someEvents(1) });
    expect([byRole.status, byRole.headers.get("content-type")]).toEqual([403, "application/problem+json"]);
    expect(byRole.json).toEqual({
      type: "about:blank",
      title: "Forbidden",
      status: 403,
      code: "key.role",
      detail: "This key has the role reader. The request needs the role producer or manager.",
    });
    const byFeed = await relay.call("GET", "/v1/feeds/other", { key });
    expect(byFeed.json).toMatchObject({
      status: 403,
      code: "key.feed",
      detail:
        "This key is for the feeds pbx-*. The request needs a key with the role reader or manager for its feed.",
    });
  });

  it("is refused before the request is looked at, so that a wrong role learns nothing of the schema", async () => {
    const { key } = await relay.createKey({ name: "r", role: "reader", feeds: ["pbx-*"] });
    const answered = await relay.call("POST", "/v1/sessions", { key, body: { nonsense: true } });
    expect(answered.status).toBe(403);
  });

  it("that does not exist, is cut short or has another secret is 401", async () => {
    const { key } = await relay.createKey({ name: "r", role: "reader", feeds: ["*"] });
    const others = [
      key.slice(0, -1),
      `${key}x`,
      key.toUpperCase(),
      `${key.slice(0, 30)}${"A".repeat(key.length - 30)}`,
      `srk_${"0".repeat(24)}_${"A".repeat(43)}`,
    ];
    for (const other of others)
      for (const [method, path] of [
        ["GET", "/v1/feeds"],
        ["POST", "/v1/feeds/pbx-1/events"],
      ] as const) {
        const answered = await relay.call(method, path, { key: other });
        expect([other, answered.status, answered.json.code]).toEqual([other, 401, "key.wrong"]);
      }
  });

  it("is shown once, and neither its text nor its secret is stored or logged", async () => {
    const { key, id } = await relay.createKey({ name: "secret", role: "producer", feeds: ["pbx-1"] });
    await relay.as(key).append("pbx-1", someEvents(1));
    await outcomeOf(() => relay.as(key).feed("pbx-1"));
    const listed = (await Array.fromAsync(relay.listKeys(2))).find((each) => each.id === id);
    expect(listed).toMatchObject({
      name: "secret",
      role: "producer",
      feeds: ["pbx-1"],
      requestsPerSecond: 200,
    });
    const { Items } = await relay.relay.clients.documents.send(
      new ScanCommand({ TableName: relay.relay.tableNames.keys }),
    );
    const secret = key.slice(-43);
    for (const held of [listed, Items, relay.logged]) expect(JSON.stringify(held)).not.toContain(secret);
    expect(JSON.stringify(Items)).toContain(id);
  });

  it("shows when it was last used, to the hour", async () => {
    const { key, id } = await relay.createKey({ name: "used", role: "reader", feeds: ["*"] });
    const lastUsed = async () =>
      (await Array.fromAsync(relay.listKeys())).find((each) => each.id === id)?.lastUsed;
    expect(await lastUsed()).toBeNull();
    const before = clock.nowEpochMillis();
    await relay.as(key).feed("pbx-1");
    await eventually("the recorded use", async () => Boolean(await lastUsed()));
    const first = await lastUsed();
    expect(Date.parse(String(first))).toBeGreaterThanOrEqual(before);
    await relay.as(key).feed("pbx-1");
    expect(await lastUsed()).toBe(first);
    clock.aheadMillis += 3_600_001;
    await relay.as(key).feed("pbx-1");
    await eventually("the next recorded use", async () => (await lastUsed()) !== first);
  });

  it("stops working within 30 seconds of its revocation, in every function", async () => {
    const reader = await keyFor("reader", ["*"]);
    const producer = await keyFor("producer", ["*"]);
    await reader.feed("pbx-1");
    await producer.append("pbx-1", someEvents(1));
    await relay.deleteKey(reader.id);
    await relay.deleteKey(producer.id);
    expect((await Array.fromAsync(relay.listKeys())).map(({ id }) => id)).not.toContain(reader.id);
    clock.aheadMillis += 30_000;
    expect(await outcomeOf(() => reader.feed("pbx-1"))).toBe("401 key.wrong");
    expect(await outcomeOf(() => producer.append("pbx-1", someEvents(1)))).toBe("401 key.wrong");
    expect(await outcomeOf(() => relay.deleteKey(reader.id))).toBe("404 key.unknown");
  });

  it("works at once after it was made, also when another key was refused just before", async () => {
    await relay.call("GET", "/v1/feeds", { key: `srk_${"1".repeat(24)}_${"A".repeat(43)}` });
    const reader = await keyFor("reader", ["*"]);
    expect(await outcomeOf(() => reader.feed("pbx-1"))).toBe("ok");
  });

  it("that sends too many requests gets 429 with the seconds to wait, and others do not", async () => {
    const { key } = await relay.createKey({
      name: "quick",
      role: "reader",
      feeds: ["*"],
      requestsPerSecond: 1,
    });
    const answers = [];
    for (let count = 0; count < 6; count += 1) answers.push(await relay.call("GET", "/v1/feeds", { key }));
    const limited = answers.find(({ status }) => status === 429);
    expect(limited?.json).toMatchObject({ code: "key.rate-limited", title: "Too Many Requests" });
    expect(limited?.headers.get("retry-after")).toBe("1");
    expect(await outcomeOf(() => relay.feed("pbx-1"))).toBe("ok");
    clock.aheadMillis += 2_000;
    expect((await relay.call("GET", "/v1/feeds", { key })).status).toBe(200);
  });

  it.each([
    [{ name: "x", role: "reader" }, "body.feeds"],
    [{ name: "x", role: "producer" }, "body.feeds"],
    [{ name: "x", role: "root" }, "body.role"],
    [{ name: "", role: "manager" }, "body.name"],
    [{ name: "a\nb", role: "manager" }, "body.name"],
    [{ name: "x", role: "reader", feeds: [] }, "body.feeds"],
    [{ name: "x", role: "reader", feeds: ["a b"] }, "body.feeds.0"],
    [{ name: "x", role: "reader", feeds: Array.from({ length: 21 }, () => "a") }, "body.feeds"],
    [{ name: "x", role: "manager", requestsPerSecond: 0 }, "body.requestsPerSecond"],
    [{ name: "x", role: "manager", hash: "0" }, "hash"],
  ])("is not made of %j", async (body, says) => {
    const answered = await relay.call("POST", "/v1/keys", { body });
    expect([answered.status, answered.json.code]).toEqual([400, "request.invalid"]);
    expect(answered.text).toContain(says);
  });
});
