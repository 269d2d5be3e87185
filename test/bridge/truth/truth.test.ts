import { describe, expect, it } from "vitest";
import type { PbxState } from "../../../bridge/source.ts";
import type { SpoolRecord } from "../../../bridge/spool.ts";
import { Truth } from "../../../bridge/truth/truth.ts";
import { NOW, read, stasis } from "./world.ts";

const pbx = { startedAtEpochMillis: NOW, version: "23.5.0", systemName: "pbx1", entityId: "e" };

function state(objects: Partial<PbxState> = {}): PbxState {
  return {
    pbx,
    takenAtEpochMillis: NOW,
    channels: [],
    bridges: [],
    endpoints: [],
    deviceStates: [],
    ...objects,
  };
}

function recordsOf(truth: Truth, answer: PbxState, during: object[] = []): Record<string, unknown>[] {
  const lookout = truth.look();
  for (const event of during) truth.event("main", stasis(event));
  const due = { reason: "link", gap: "g" } as const;
  const records: SpoolRecord[] = truth
    .snapshot(answer, lookout, due, NOW, "s")
    .flatMap((entry) => entry.records);
  truth.end(lookout);
  return records.map(read);
}

const channel = { id: "1.1", name: "PJSIP/a-1", state: "Up" };
const ami = (text: string) => ({
  format: "ami" as const,
  body: Buffer.from(`${text.trim().replaceAll("\n", "\r\n")}\r\n\r\n`, "latin1"),
  receivedAtEpochMillis: NOW,
});

describe("a snapshot", () => {
  it("is begin, items and end under one id", () => {
    const truth = new Truth();
    const endpoint = { technology: "PJSIP", resource: "a", state: "online", channel_ids: [] };
    const bridge = { id: "b", channels: ["1.1"] };
    const device = { name: "PJSIP/a", state: "INUSE" };
    const answer = state({
      channels: [channel],
      bridges: [bridge],
      endpoints: [endpoint],
      deviceStates: [device],
    });
    const head = { type: "RelaySnapshot", timestamp: "2026-11-27T08:00:00.000Z", snapshot: "s" };
    expect(recordsOf(truth, answer)).toEqual([
      {
        ...head,
        item: "begin",
        reason: "link",
        gap: "g",
        epoch: "2026-11-27T08:00:00.000Z",
        pbx: { version: "23.5.0", systemName: "pbx1", entityId: "e" },
      },
      { ...head, item: "channel", channel },
      { ...head, item: "bridge", bridge },
      { ...head, item: "endpoint", endpoint },
      { ...head, item: "deviceState", device_state: device },
      { ...head, item: "end", counts: { channels: 1, bridges: 1, endpoints: 1, deviceStates: 1 } },
    ]);
  });

  it("has the newer of two states of a device or an endpoint: the event came after the question", () => {
    const device = (value: string) => ({ name: "PJSIP/a", state: value });
    const endpoint = (value: string) => ({ technology: "PJSIP", resource: "a", state: value });
    const records = recordsOf(
      new Truth(),
      state({ deviceStates: [device("INUSE")], endpoints: [endpoint("online")] }),
      [
        { type: "DeviceStateChanged", device_state: device("NOT_INUSE") },
        { type: "EndpointStateChange", endpoint: endpoint("offline") },
      ],
    );
    expect(records.slice(1, 3)).toMatchObject([
      { endpoint: endpoint("offline") },
      { device_state: device("NOT_INUSE") },
    ]);
  });

  it("knows a channel with the id of one that has ended, as ARI's callers may choose ids", () => {
    const truth = new Truth();
    for (const type of ["ChannelCreated", "ChannelDestroyed", "ChannelCreated"])
      truth.event("main", stasis({ type, channel }));
    truth.event("main", stasis({ type: "ChannelStateChange", channel: { ...channel, state: "Busy" } }));
    expect(truth.known.channels.get(channel.id)).toMatchObject({ state: "Busy" });
  });

  it("does not bring a channel back because of an event that came after its end", () => {
    const truth = new Truth();
    truth.event("main", stasis({ type: "ChannelCreated", channel }));
    const records = recordsOf(truth, state(), [{ type: "ChannelDialplan", channel }]);
    expect(records[0]).toMatchObject({
      type: "ChannelDestroyed",
      channel,
      relay: { inferred: true, gap: "g" },
    });
    expect(records.filter(({ item }) => item === "channel")).toEqual([]);
  });

  it("is not confused by what overtakes other events, or cannot be read", () => {
    const truth = new Truth();
    truth.event("main", stasis({ type: "ChannelCreated", channel }));
    const stale = { ...channel, state: "Down" };
    truth.event("main", stasis({ type: "StasisStart", channel: stale }));
    truth.event("main", stasis({ type: "BridgeBlindTransfer", channel: stale }));
    for (const text of ["{", "[]", "null", '{"type":1}', '{"type":"ChannelCreated","channel":{"id":3}}'])
      truth.event("main", { format: "stasis", body: Buffer.from(text), receivedAtEpochMillis: NOW });
    expect([...truth.known.channels.values()]).toEqual([channel]);
  });
});

describe("Manager as the only source", () => {
  const newchannel = ami(`
Event: Newchannel
Privilege: call,all
Channel: PJSIP/a-1
ChannelState: 4
ChannelStateDesc: Ring
CallerIDNum: 1001
CallerIDName: Al \\"Q\\"
ConnectedLineNum: <unknown>
ConnectedLineName: <unknown>
Language: en
AccountCode:
Context: office
Exten: 200
Priority: 1
Uniqueid: 1.1
Linkedid: 1.0`);
  const enter = (event: string) =>
    ami(`
Event: ${event}
Privilege: call,all
BridgeUniqueid: b
BridgeType: basic
BridgeTechnology: simple_bridge
BridgeCreator: <unknown>
BridgeName: <unknown>
BridgeNumChannels: 1
BridgeVideoSourceMode: none
Channel: PJSIP/a-1
ChannelStateDesc: Up
Uniqueid: 1.1`);

  it("gives channels and bridges in ARI's shapes", () => {
    const truth = new Truth();
    truth.event("main", newchannel);
    expect(truth.known.channels.get("1.1")).toEqual({
      id: "1.1",
      name: "PJSIP/a-1",
      state: "Ring",
      caller: { name: 'Al "Q"', number: "1001" },
      connected: { name: "", number: "" },
      accountcode: "",
      dialplan: { context: "office", exten: "200", priority: 1 },
      language: "en",
      channelvars: { "CHANNEL(linkedid)": "1.0" },
    });
    truth.event("main", enter("BridgeEnter"));
    expect(truth.known.bridges.get("b")).toMatchObject({
      bridge_class: "basic",
      creator: "",
      channels: ["1.1"],
    });
    truth.event("main", enter("BridgeLeave"));
    expect(truth.known.bridges.get("b")).toMatchObject({ channels: [] });
    truth.event("main", ami("Event: BridgeDestroy\nPrivilege: call,all\nBridgeUniqueid: b"));
    truth.event("main", ami("Event: Hangup\nPrivilege: call,all\nUniqueid: 1.1"));
    expect([truth.known.channels.size, truth.known.bridges.size]).toEqual([0, 0]);
  });

  it("beside ARI adds nothing to the picture, and has gaps of its own", () => {
    const truth = new Truth();
    truth.linkUp("rest", pbx, NOW, "first");
    truth.event("rest", newchannel);
    expect(truth.known.channels.size).toBe(0);
    truth.linkDown("rest", { code: "timeout" }, NOW + 1_000);
    const { records } = truth.linkUp("rest", pbx, NOW + 2_000, "g");
    expect(records.map(read)).toMatchObject([
      { type: "RelayGap", reason: "link", link: "ami", code: "timeout" },
    ]);
    expect(truth.link("main").startedAtEpochMillis).toBeUndefined();
  });
});

describe("the memory", () => {
  it("that nobody can read counts as none", () => {
    const truth = new Truth(
      new Map([
        ["link:main", "{"],
        ["link:rest", '{"open":{"reason":"x"}}'],
        ["channel:c", "["],
        ["x", "y"],
      ]),
    );
    expect(truth.link("main").startedAtEpochMillis).toBeUndefined();
    expect(truth.linkUp("main", pbx, NOW, "g").gap).toBeUndefined();
    expect([...truth.known.channels.values()]).toEqual([{ id: "c" }]);
  });
});
