import { describe, expect, it } from "vitest";
import { EMPTY_CALL_MEMORY } from "../../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../../shared/ami/convert.ts";
import { type Message, renderGap, renderMessage } from "../../../shared/queue/message.ts";
import { selectionOf } from "../../../shared/sessions/selection.ts";

const NOW = "2026-11-27T08:00:00.000Z";

function messageOf(event: { readonly type: string } & Record<string, unknown>): Message {
  const text = JSON.stringify(event);
  const ami = new AmiConverter(EMPTY_CALL_MEMORY).convert({ type: event.type, body: event, text });
  return renderMessage(event.type, NOW, text, ami);
}

const linesOf = (event: { readonly type: string } & Record<string, unknown>) =>
  messageOf(event).ami?.text.trimEnd().split("\r\n");

const channel = { id: "1.1", name: "PJSIP/a-1", state: "Up", dialplan: { priority: 1 } };
const item = (name: string, fields: object) => ({
  type: "RelaySnapshot",
  timestamp: NOW,
  item: name,
  snapshot: "s1",
  ...fields,
});

describe("a gap that a producer reports", () => {
  const gap = {
    type: "RelayGap",
    timestamp: NOW,
    reason: "restart",
    gap: "g1",
    from: "2026-11-27T07:59:00.000Z",
    to: NOW,
    epochBefore: null,
    epochAfter: "2026-11-27T07:59:30.000Z",
    missing: 2,
  };

  it("has its facts as fields in AMI form", () => {
    expect(linesOf(gap)).toEqual([
      "Event: RelayGap",
      "Privilege: system,all",
      "Reason: restart",
      "Gap: g1",
      "From: 2026-11-27T07:59:00.000Z",
      `To: ${NOW}`,
      "EpochBefore: ",
      "EpochAfter: 2026-11-27T07:59:30.000Z",
      "Missing: 2",
    ]);
  });

  it("looks like the relay's own gaps", () => {
    const own = renderGap("lost-before-ingest", { producer: "p", firstPosition: 2, lastPosition: 4 }, 0);
    const { event } = JSON.parse(own.text);
    expect(messageOf(event).ami).toEqual(own.ami);
  });

  it("has no fact that would be taken for a header of Manager's", () => {
    const facts = { event: "Hangup", Privilege: "x", "a b": 1, "": 2, list: [1], "a:b": 3 };
    expect(linesOf({ type: "RelayGap", ...facts, reason: "link" })).toEqual([
      "Event: RelayGap",
      "Privilege: system,all",
      "Reason: link",
    ]);
  });

  it("passes every filter, in both formats", () => {
    const message = messageOf(gap);
    expect(selectionOf("stasis", { types: ["Dial"] }).wants(message)).toBe(true);
    expect(selectionOf("ami", { read: "cdr", events: ["Cdr"] }).wants(message)).toBe(true);
  });

  it("that has no AMI form, as in pages of an earlier version, is left out of AMI", () => {
    const message = renderMessage("RelayGap", NOW, JSON.stringify(gap));
    expect(selectionOf("ami").wants(message)).toBe(false);
    expect(selectionOf("stasis", { types: ["Dial"] }).wants(message)).toBe(true);
  });
});

describe("a snapshot", () => {
  it("begins with why it was made, and what the PBX is", () => {
    const pbx = { version: "23.5.0", systemName: "pbx1", entityId: "00:11" };
    expect(linesOf(item("begin", { reason: "link", gap: "g1", epoch: NOW, pbx }))).toEqual([
      "Event: RelaySnapshot",
      "Privilege: call,all",
      "Item: begin",
      "Snapshot: s1",
      "Reason: link",
      "Gap: g1",
      `Epoch: ${NOW}`,
      "AsteriskVersion: 23.5.0",
      "SystemName: pbx1",
      "EntityId: 00:11",
    ]);
  });

  it("has the block of Manager's own events in each item", () => {
    const newstate = linesOf({ type: "ChannelStateChange", channel });
    expect(linesOf(item("channel", { channel }))?.slice(4)).toEqual(newstate?.slice(2));
    const bridge = { id: "b1", bridge_class: "basic", channels: ["1.1"] };
    const created = linesOf({ type: "BridgeCreated", bridge });
    expect(linesOf(item("bridge", { bridge }))?.slice(4)).toEqual(created?.slice(2));
    const state = { name: "PJSIP/a", state: "INUSE" };
    expect(linesOf(item("deviceState", { device_state: state }))?.slice(4)).toEqual([
      "Device: PJSIP/a",
      "State: INUSE",
    ]);
    const endpoint = { technology: "PJSIP", resource: "a", state: "online" };
    expect(linesOf(item("endpoint", { endpoint }))?.slice(4)).toEqual([
      "ChannelType: PJSIP",
      "Peer: PJSIP/a",
      "State: online",
    ]);
  });

  it("ends with its counts", () => {
    const counts = { channels: 1, bridges: 2, endpoints: 3, deviceStates: 4 };
    expect(linesOf(item("end", { counts }))?.slice(4)).toEqual([
      "Channels: 1",
      "Bridges: 2",
      "Endpoints: 3",
      "DeviceStates: 4",
    ]);
  });

  it("shows a reader only what its classes would show it in events", () => {
    const messages = [
      item("begin", {}),
      item("channel", { channel }),
      item("endpoint", { endpoint: {} }),
      item("end", {}),
    ].map(messageOf);
    const seen = (read: string) =>
      messages.filter(selectionOf("ami", { read }).wants).map(({ ami }) => ami?.text.split("\r\n")[2]);
    expect(seen("call")).toEqual(["Item: begin", "Item: channel", "Item: end"]);
    expect(seen("system")).toEqual(["Item: endpoint"]);
    expect(seen("cdr")).toEqual([]);
  });

  it("does not pass the filter of a session that wants other types", () => {
    const message = messageOf(item("channel", { channel }));
    expect(selectionOf("stasis", { types: ["ChannelDestroyed"] }).wants(message)).toBe(false);
    expect(selectionOf("stasis", { types: ["RelaySnapshot"] }).wants(message)).toBe(true);
  });
});

it("an inferred end is a Hangup that says that it was inferred, and from which gap", () => {
  const event = {
    type: "ChannelDestroyed",
    cause: 0,
    cause_txt: "Unknown",
    channel,
    relay: { inferred: true, gap: "g1" },
  };
  expect(linesOf(event)?.slice(-3)).toEqual(["Cause: 0", "Cause-txt: Unknown", "RelayInferred: g1"]);
  expect(linesOf({ ...event, relay: { inferred: false } })?.at(-1)).toBe("Cause-txt: Unknown");
  const bridge = { id: "b1", channels: [] };
  expect(linesOf({ type: "BridgeDestroyed", bridge, relay: event.relay })?.at(-1)).toBe("RelayInferred: g1");
});
