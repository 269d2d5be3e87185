import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Pbx } from "../../bridge/pbx.ts";
import type { SourceEvent, SourceListener } from "../../bridge/source.ts";
import type { AsyncSpool, SpoolRecord } from "../../bridge/spool.ts";
import { freePort } from "../../local/freePort.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { AriPbx } from "../support/asterisk/ariPbx.ts";
import { ManagerPbx } from "../support/asterisk/managerPbx.ts";
import { OutboundPbx } from "../support/asterisk/outboundPbx.ts";
import { eventually } from "../support/eventually.ts";
import { TestRelay } from "../support/testRelay.ts";
import { ariConfig, bridgeConfig, TestBridge, TestDirectory } from "./testBridge.ts";

let relay: TestRelay;

beforeAll(async () => {
  relay = await TestRelay.start();
});
afterAll(() => relay[Symbol.asyncDispose]());

async function messagesOf(feed: string, format: "stasis" | "ami" = "stasis") {
  const answer = await relay.call("GET", `/v1/feeds/${feed}/messages?limit=1000&format=${format}`);
  const messages: { type: string; event?: Record<string, unknown>; fields?: Record<string, string> }[] =
    answer.json?.messages ?? [];
  return messages;
}

const until = (feed: string, type: string, format?: "stasis" | "ami") =>
  eventually(`${type} in ${feed}`, async () => {
    const messages = await messagesOf(feed, format);
    return messages.some((message) => message.type === type) && messages;
  });

describe("a disk that is slower than the PBX", () => {
  const pbx = {
    startedAtEpochMillis: 1_000,
    version: "23.5.0",
    systemName: undefined,
    entityId: undefined,
  };
  const event = (n: number): SourceEvent => ({
    format: "stasis",
    body: Buffer.from(JSON.stringify({ type: "ChannelUserevent", n })),
    receivedAtEpochMillis: Date.now(),
  });

  it("makes the bridge cut the link, and the gap counts what was lost", async () => {
    const stored: SpoolRecord[] = [];
    const disk = Promise.withResolvers<void>();
    const spool: Pick<
      AsyncSpool,
      "append" | "memory" | "read" | "measure" | "close" | "acknowledge" | "renewProducer"
    > = {
      append: async (records) => {
        if (records.length > 0) await disk.promise;
        stored.push(...records);
        return { dropped: 0 };
      },
      memory: async () => new Map(),
      read: async () => ({ producer: "p", position: 1, records: [] }),
      acknowledge: async () => {},
      renewProducer: async () => {},
      measure: () => ({
        producer: "p",
        acknowledged: 0,
        records: 0,
        bytes: 0,
        oldestReceivedAtEpochMillis: undefined,
        refused: 0,
        dropped: 0,
      }),
      close: async () => {},
    };
    const listeners: SourceListener[] = [];
    const cuts: string[] = [];
    const main = {
      start: (given: SourceListener) => void listeners.push(given),
      cut: (reason: "reader-too-slow") => {
        cuts.push(reason);
        listeners[0]?.linkDown({ code: reason, message: "cut" });
      },
      state: async () => ({
        pbx,
        takenAtEpochMillis: 0,
        channels: [],
        bridges: [],
        endpoints: [],
        deviceStates: [],
      }),
      stop: async () => {},
    };
    let ids = 0;
    const bridge = await Pbx.create({
      feed: "slow",
      main,
      spool,
      client: { appendBody: () => Promise.reject(new Error("nothing is shipped")) },
      clock: systemClock,
      log: silentLog,
      newId: () => `id-${++ids}`,
      maxIntakeBytes: 2_000,
      watchTimes: { settleMillis: 1 },
    });
    bridge.start();
    const [listener] = listeners;
    listener?.linkUp(pbx);
    for (let n = 1; n <= 20; n += 1) listener?.event(event(n));
    expect(cuts).toEqual(["reader-too-slow"]);
    expect(bridge.status()).toMatchObject({ link: "down", linkTrouble: "cut" });

    // The source is back before the disk is: nothing can be taken yet, and everything that comes is counted.
    listener?.linkUp(pbx);
    for (let n = 21; n <= 25; n += 1) listener?.event(event(n));
    disk.resolve();
    const texts = await eventually("the second snapshot", () => {
      const all = stored.map(({ body }) => JSON.parse(body.toString()));
      return all.filter(({ item }) => item === "end").length > 0 && all;
    });
    listener?.event(event(26));
    const kept = texts.filter(({ type }) => type === "ChannelUserevent").map(({ n }) => n);
    const gap = texts.find(({ type }) => type === "RelayGap");
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => index + 1));
    expect(gap).toMatchObject({ reason: "reader-too-slow", code: "reader-too-slow", lost: 25 - kept.length });
    expect(texts.findIndex(({ type }) => type === "RelayGap")).toBe(kept.length);
    await bridge.stop(0);
    expect(JSON.parse(stored.at(-1)?.body.toString() ?? "")).toMatchObject({ n: 26 });
    expect(bridge.status().counts.gaps).toEqual({ "reader-too-slow": 1 });
  });
});

describe("a connection that is lost before the PBX has said who it is", () => {
  it("brings its events, with a gap before and after them", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    await using bridge = await TestBridge.start(
      bridgeConfig(relay.relay, directory, [ariConfig("early", pbx)]),
    );
    await until("early", "RelaySnapshot");
    await pbx.down();
    await eventually("the end of the old connection", () => pbx.apps.length === 0);
    pbx.answerMillis = 60_000;
    await pbx.listen();
    await eventually("a connection", () => pbx.apps.length === 1);
    pbx.emit(JSON.stringify({ type: "ChannelUserevent", n: 1 }));
    await pbx.ping();
    pbx.answerMillis = 0;
    pbx.cut();
    await eventually("the link", () => bridge.status("early")?.link === "up");
    pbx.emit(JSON.stringify({ type: "ChannelUserevent", n: 2 }));
    const messages = await eventually("both events", async () => {
      const all = await messagesOf("early");
      return all.some(({ event }) => event?.n === 2) && all;
    });
    const course = messages
      .filter(({ type }) => type !== "RelaySnapshot")
      .map(({ type, event }) => [type, event?.n ?? (event?.epochAfter === null ? "unknown" : "known")]);
    expect(course).toEqual([
      ["RelayGap", "unknown"],
      ["ChannelUserevent", 1],
      ["RelayGap", "known"],
      ["ChannelUserevent", 2],
    ]);
    expect(bridge.status("early")?.counts.gaps).toEqual({ link: 2 });
  });
});

describe("Manager beside ARI", () => {
  it("brings only what ARI has not, and its loss is a gap of its own", async () => {
    using directory = new TestDirectory();
    await using ari = await AriPbx.start();
    await using manager = await ManagerPbx.start();
    const ami = {
      host: "127.0.0.1",
      port: manager.port,
      username: "bridge",
      secret: "secret",
      select: "not-in-ari" as const,
    };
    const config = bridgeConfig(relay.relay, directory, [{ ...ariConfig("both", ari), rest: ami }]);
    await using bridge = await TestBridge.start(config);
    await eventually("both links", () => {
      const status = bridge.status("both");
      return status?.link === "up" && status.restLink === "up";
    });
    const block = (text: string) => Buffer.from(`${text.replaceAll("\n", "\r\n")}\r\n\r\n`);
    manager.emit(block("Event: Newchannel\nPrivilege: call,all\nUniqueid: 1"));
    manager.emit(block("Event: Cdr\nPrivilege: cdr,all\nSource: 1001"));
    const messages = await until("both", "Cdr", "ami");
    expect(messages.filter(({ type }) => type === "Newchannel")).toEqual([]);

    await manager.down();
    await eventually("the loss", () => bridge.status("both")?.restLink === "down");
    expect(bridge.status("both")?.link).toBe("up");
    await manager.listen();
    const gap = (await until("both", "RelayGap")).find(({ type }) => type === "RelayGap");
    expect(gap?.event).toMatchObject({ reason: "link", link: "ami" });
  });
});

describe("Manager alone", () => {
  it("gives calls, gaps and snapshots too", async () => {
    using directory = new TestDirectory();
    await using manager = await ManagerPbx.start();
    const ami = {
      host: "127.0.0.1",
      port: manager.port,
      username: "bridge",
      secret: "secret",
      select: "everything" as const,
    };
    const config = bridgeConfig(relay.relay, directory, [
      { feed: "manager", main: { kind: "ami", ami }, rest: undefined },
    ]);
    await using bridge = await TestBridge.start(config);
    const messages = await until("manager", "RelaySnapshot", "ami");
    expect(messages.find(({ type }) => type === "RelaySnapshot")).toMatchObject({
      fields: { Item: "begin", Reason: "start", AsteriskVersion: "23.5.0-rc1" },
    });
    manager.emit(
      Buffer.from("Event: Newchannel\r\nPrivilege: call,all\r\nUniqueid: 1.1\r\nChannel: PJSIP/a\r\n\r\n"),
    );
    await until("manager", "Newchannel", "ami");
    await manager.down();
    await manager.listen();
    const after = await until("manager", "Hangup", "ami");
    const gap = after.find(({ type }) => type === "RelayGap")?.fields;
    expect(gap).toMatchObject({ Reason: "link" });
    expect(after.find(({ type }) => type === "Hangup")?.fields).toMatchObject({
      Channel: "PJSIP/a",
      Uniqueid: "1.1",
      RelayInferred: gap?.Gap,
    });
    expect(bridge.status("manager")?.counts.refused).toBe(0);
  });
});

describe("an Asterisk that dials in", () => {
  it("is read, and a reload can take it out and bring it back", async () => {
    using directory = new TestDirectory();
    const port = await freePort();
    const access = { path: "/branch", username: "branch", password: "secret" };
    const pbxs = [
      { feed: "branch", main: { kind: "outbound" as const, access, app: undefined }, rest: undefined },
    ];
    const config = {
      ...bridgeConfig(relay.relay, directory, pbxs),
      listen: { host: "127.0.0.1", port },
    };
    await using bridge = await TestBridge.start(config);
    using pbx = new OutboundPbx({
      url: `ws://127.0.0.1:${port}/branch`,
      username: "branch",
      password: "secret",
    });
    await until("branch", "RelaySnapshot");
    pbx.emit(JSON.stringify({ type: "ChannelUserevent", n: 1 }));
    await until("branch", "ChannelUserevent");
    await bridge.bridge.reload({ ...config, pbxs: [] });
    expect(bridge.bridge.statuses()).toEqual([]);
    await bridge.bridge.reload(config);
    await until("branch", "RelayGap");
    expect(bridge.status("branch")).toMatchObject({ link: "up", relayTrouble: undefined });
  });
});

describe("a spool that another bridge has", () => {
  it("keeps its PBX out and leaves the others alone", async () => {
    using directory = new TestDirectory();
    await using pbx = await AriPbx.start();
    const config = bridgeConfig(relay.relay, directory, [ariConfig("mine", pbx)]);
    await using first = await TestBridge.start(config);
    await eventually("the first", () => first.status("mine")?.link === "up");
    await using second = await TestBridge.start({
      ...config,
      pbxs: [...config.pbxs, ariConfig("free", pbx)],
    });
    await eventually("the other PBX", () => second.status("free")?.link === "up");
    expect(second.status("mine")).toMatchObject({
      link: "down",
      spoolTrouble: expect.stringContaining("has this spool"),
    });
    expect(second.linesOf("mine", "error")).toEqual(["this PBX cannot be started yet; the others run"]);
    expect(first.status("mine")?.link).toBe("up");
  });
});
