import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AriPbx } from "../support/asterisk/ariPbx.ts";
import { recordedStasis } from "../support/asterisk/recordings.ts";
import { eventually } from "../support/eventually.ts";
import { TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";
import { ariConfig, bridgeConfig, TestBridge, TestDirectory } from "./testBridge.ts";

let relay: TestRelay;

beforeAll(async () => {
  relay = await TestRelay.start();
});
afterAll(() => relay[Symbol.asyncDispose]());

/** The messages of a feed, with what the bridge itself has appended left in. */
async function messagesOf(feed: string) {
  const all: { type: string; event: Record<string, unknown> }[] = [];
  for (let from = 1; ; ) {
    const { messages, next } = await relay.messages(feed, { from, limit: 1000 });
    for (const message of messages)
      if ("event" in message) all.push({ type: message.type, event: message.event });
    if (messages.length === 0 || next === from) return all;
    from = next;
  }
}

const OWN = new Set(["RelaySnapshot", "RelayGap"]);

/** Waits until the feed has an event; everything before it is there then. */
async function untilIn(
  feed: string,
  isIt: (message: { type: string; event: Record<string, unknown> }) => boolean,
) {
  return eventually(`the event in ${feed}`, async () => {
    const status = await relay.call("GET", `/v1/feeds/${feed}`);
    if (status.status !== 200) return undefined;
    const messages = await messagesOf(feed);
    return messages.some(isIt) ? messages : undefined;
  });
}

const isSnapshotEnd = ({ type, event }: { type: string; event: Record<string, unknown> }) =>
  type === "RelaySnapshot" && event.item === "end";

describe("a recording that a PBX plays", () => {
  it("reaches a webhook through the bridge and the relay, event by event, unchanged and in order", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    await using receiver = await WebhookReceiver.start();
    await relay.createSession({ feed: "whole", url: receiver.url("/whole"), from: 1 });
    await using bridge = await TestBridge.start(
      bridgeConfig(relay.relay, directory, [ariConfig("whole", pbx)]),
    );
    await untilIn("whole", isSnapshotEnd);

    const events = recordedStasis("calls-mixed");
    for (const event of events) pbx.emit(event);

    const received = await eventually("all events at the webhook", () => {
      const messages = receiver.requests("/whole").flatMap(({ text }) => eventTexts(text));
      const calls = messages.filter((text) => !/"type":"Relay(?:Gap|Snapshot)"/.test(text));
      return calls.length >= events.length && calls;
    });
    expect(received).toEqual(events);
    expect(bridge.status("whole")).toMatchObject({
      link: "up",
      relayTrouble: undefined,
      spoolTrouble: undefined,
      counts: { received: events.length, refused: 0, dropped: 0, gaps: {} },
    });
  });
});

/** The texts of the events in a webhook's body, byte for byte. */
function eventTexts(body: string): string[] {
  return [...body.matchAll(/"event":(\{.*?\})\}(?=,\{"sequence":|\]\})/g)].map(([, text = ""]) => text);
}

describe("a link that is lost", () => {
  it("is a gap, a snapshot and the ends that nobody saw", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    await using bridge = await TestBridge.start(
      bridgeConfig(relay.relay, directory, [ariConfig("lost", pbx)]),
    );
    await untilIn("lost", isSnapshotEnd);
    const channel = (id: string) => ({ id, name: `PJSIP/${id}`, state: "Up" });
    const event = (type: string, id: string) =>
      JSON.stringify({ type, timestamp: "2026-11-27T08:00:00.000+0000", channel: channel(id) });
    pbx.emit(event("ChannelCreated", "a"));
    pbx.emit(event("ChannelCreated", "b"));
    await untilIn(
      "lost",
      ({ event: { channel: seen } }) => (seen as { id?: string } | undefined)?.id === "b",
    );

    await pbx.down();
    pbx.emit(event("ChannelDestroyed", "a"));
    pbx.emit(event("ChannelCreated", "c"));
    await pbx.listen();

    const messages = await untilIn("lost", ({ type }) => type === "RelayGap").then(() =>
      eventually("the second snapshot", async () => {
        const all = await messagesOf("lost");
        return all.filter(isSnapshotEnd).length === 2 && all;
      }),
    );
    const after = messages.slice(messages.findIndex(({ type }) => type === "RelayGap"));
    const gap = after[0]?.event;
    expect(gap).toMatchObject({ reason: "link", code: "closed" });
    expect(Date.parse(String(gap?.from))).toBeLessThanOrEqual(Date.parse(String(gap?.to)));
    expect(gap?.epochBefore).toBe(gap?.epochAfter);
    expect(after.map(({ type, event: { item } }) => item ?? type)).toEqual([
      "RelayGap",
      "ChannelDestroyed",
      "begin",
      "channel",
      "channel",
      "endpoint",
      "endpoint",
      "end",
    ]);
    expect(after[1]?.event).toMatchObject({
      channel: channel("a"),
      cause: 0,
      relay: { inferred: true, gap: gap?.gap },
    });
    expect(after[2]?.event).toMatchObject({
      reason: "link",
      gap: gap?.gap,
      pbx: { version: "23.5.0-rc1", systemName: "pbx1" },
    });
    expect(after.slice(3, 5).map(({ event: { channel: seen } }) => seen)).toEqual([
      channel("b"),
      channel("c"),
    ]);
    expect(bridge.linesOf("lost", "warn")).toContain("events may be missing: a gap record says so");
  });

  it("over a restart of Asterisk has both start times", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    const before = pbx.state.startedAtEpochMillis;
    await using bridge = await TestBridge.start(
      bridgeConfig(relay.relay, directory, [ariConfig("restart", pbx)]),
    );
    await untilIn("restart", isSnapshotEnd);
    await pbx.restart();
    const messages = await untilIn("restart", ({ type }) => type === "RelayGap");
    expect(messages.find(({ type }) => type === "RelayGap")?.event).toMatchObject({
      reason: "restart",
      epochBefore: new Date(before).toISOString(),
      epochAfter: new Date(before + 3_600_000).toISOString(),
    });
    expect(bridge.status("restart")?.counts.gaps).toEqual({ restart: 1 });
  });

  it("while the bridge was down is a gap too, with the ends of calls that it knew", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    const config = bridgeConfig(relay.relay, directory, [ariConfig("down", pbx)]);
    const channel = { id: "known", name: "PJSIP/1", state: "Up" };
    {
      await using _bridge = await TestBridge.start(config);
      await untilIn("down", isSnapshotEnd);
      pbx.emit(JSON.stringify({ type: "ChannelCreated", channel }));
      await untilIn("down", ({ type }) => type === "ChannelCreated");
    }
    pbx.state.channels.clear();
    await using _bridge = await TestBridge.start(config);
    const messages = await untilIn("down", ({ event: { relay: mark } }) => mark !== undefined);
    expect(messages.find(({ type }) => type === "RelayGap")?.event).toMatchObject({ reason: "link" });
    expect(messages.find(({ type }) => type === "ChannelDestroyed")?.event).toMatchObject({ channel });
  });
});

describe("drift", () => {
  it("is found, reported and repaired", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    await using bridge = await TestBridge.start(
      bridgeConfig(relay.relay, directory, [ariConfig("drift", pbx)]),
      200,
    );
    await untilIn("drift", isSnapshotEnd);
    // A call of which no event tells.
    pbx.state.channels.set("silent", { id: "silent", name: "PJSIP/9", state: "Up" });
    const messages = await untilIn("drift", ({ type }) => type === "RelayGap");
    expect(messages.find(({ type }) => type === "RelayGap")?.event).toMatchObject({
      reason: "drift",
      missing: 1,
      ended: 0,
      changed: 0,
      example: "silent",
    });
    await eventually(
      "the repair",
      async () => (await messagesOf("drift")).filter(isSnapshotEnd).length === 2,
    );
    expect(bridge.status("drift")?.counts.gaps).toEqual({ drift: 1 });
  });
});

describe("another client that takes the application", () => {
  it("stops this PBX with an alarm, and the bridge does not fight", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    await using other = await AriPbx.start();
    const pbxs = [ariConfig("taken", pbx), ariConfig("others", other)];
    await using bridge = await TestBridge.start(bridgeConfig(relay.relay, directory, pbxs));
    await untilIn("taken", isSnapshotEnd);
    await untilIn("others", isSnapshotEnd);
    const { WebSocket } = await import("ws");
    const authorization = `Basic ${Buffer.from("ari:secret").toString("base64")}`;
    const taker = new WebSocket(
      `${pbx.url.replace("http", "ws")}/ari/events?app=relay-taken&subscribeAll=true`,
      {
        headers: { authorization },
      },
    );
    await eventually("the take-over", () => bridge.status("taken")?.link === "taken-over");
    expect(bridge.linesOf("taken", "error")).toEqual([expect.stringContaining("does not fight")]);
    expect(bridge.status("others")?.link).toBe("up");
    taker.terminate();
  });
});

describe("what is away at the start", () => {
  it("is tried until it comes: a PBX, with one line in the log for all attempts", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    await pbx.down();
    await using bridge = await TestBridge.start(
      bridgeConfig(relay.relay, directory, [ariConfig("late", pbx)]),
    );
    await eventually("the trouble", () => bridge.status("late")?.linkTrouble);
    expect(bridge.status("late")?.linkTrouble).toContain("http.conf");
    await pbx.listen();
    await untilIn("late", isSnapshotEnd);
    expect(bridge.linesOf("late", "warn")).toEqual(["the PBX cannot be reached; the bridge goes on trying"]);
  });

  it("is tried until it comes: a relay, and the events wait", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    const config = bridgeConfig({ url: "http://127.0.0.1:1", apiKey: "x" }, directory, [
      ariConfig("waits", pbx),
    ]);
    {
      await using bridge = await TestBridge.start(config);
      await eventually("the trouble", () => bridge.status("waits")?.relayTrouble);
      pbx.emit(JSON.stringify({ type: "ChannelUserevent", n: 1 }));
      await eventually("the event", () => bridge.status("waits")?.counts.received === 1);
      expect(bridge.linesOf("waits", "warn")).toEqual([
        "the relay does not take events; they wait in the spool",
      ]);
      // The bridge of a relay that came back under another address.
      const { url, key } = { url: relay.relay.url, key: relay.relay.apiKey };
      await bridge.bridge.reload({ ...config, relay: { url, key } });
      await untilIn("waits", ({ type }) => type === "ChannelUserevent");
    }
  });
});

describe("reading the configuration again", () => {
  it("adds, removes and changes PBXs, and leaves the others connected", async () => {
    using directory = new TestDirectory();
    await using one = await AriPbx.start();
    await using two = await AriPbx.start();
    const config = bridgeConfig(relay.relay, directory, [ariConfig("r1", one), ariConfig("r2", one)]);
    await using bridge = await TestBridge.start(config);
    await untilIn("r1", isSnapshotEnd);
    await untilIn("r2", isSnapshotEnd);
    const connections = () => one.requests.filter((request) => request.includes("relay-r1")).length;
    const before = connections();

    await bridge.bridge.reload({ ...config, pbxs: [ariConfig("r1", one), ariConfig("r3", two)] });
    await untilIn("r3", isSnapshotEnd);
    expect(bridge.bridge.statuses().map(({ feed }) => feed)).toEqual(["r1", "r3"]);
    expect(connections()).toBe(before);
    expect(one.apps).toEqual(["relay-r1"]);
    const read = bridge.logged.find(({ message }) => message === "the configuration was read again");
    expect(read?.facts).toEqual({ started: 1, stopped: 1, unchanged: 1 });
  });
});

it("the bridge's own messages are all that it adds", async () => {
  const types = new Set((await messagesOf("whole")).map(({ type }) => type));
  const recorded = new Set(recordedStasis("calls-mixed").map((text) => JSON.parse(text).type));
  expect([...types].filter((type) => !recorded.has(type) && !OWN.has(type))).toEqual([]);
});
