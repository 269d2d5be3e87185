import { describe, expect, it } from "vitest";
import { type CallMemoryState, EMPTY_CALL_MEMORY } from "../../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../../shared/ami/convert.ts";
import type { JsonObject } from "../../../shared/ami/json.ts";
import { packCallMemory, unpackCallMemory } from "../../../shared/queue/callMemoryCodec.ts";

const local = (id: string, half: 1 | 2, name = "Local/a@b-1") => ({ id, name: `${name};${half}` });

/** Converts events one by one. Each has its own converter, which gets the memory of the previous converter. */
class Calls {
  memory: CallMemoryState = EMPTY_CALL_MEMORY;

  turn(type: string, body: JsonObject): string {
    const converter = new AmiConverter(unpackCallMemory(packCallMemory(this.memory)));
    const event = { type, body, text: JSON.stringify(body) };
    const text = converter.convert(event)?.text ?? "";
    converter.passed(event);
    this.memory = converter.memory();
    return text;
  }

  /** The known linked id of a channel. */
  linkedId(id: string): string | undefined {
    return /\r\nLinkedid: (.*)\r\n/.exec(this.turn("ChannelStateChange", { channel: { id } }))?.[1];
  }
}

describe("Linkedid without channelvars", () => {
  it("is at first the channel's own id", () => {
    expect(new Calls().linkedId("1.1")).toBe("1.1");
  });

  it("of a Local channel's second half is the first half's", () => {
    const calls = new Calls();
    calls.turn("ChannelCreated", { channel: local("1.1", 1) });
    calls.turn("ChannelCreated", { channel: local("1.3", 1, "Local/other@b-2") });
    expect(calls.turn("ChannelCreated", { channel: local("1.2", 2) })).toContain("Linkedid: 1.1\r\n");
    expect(calls.linkedId("1.2")).toBe("1.1");
  });

  it("of a dialled channel is its caller's, also for the channels linked to it before", () => {
    const calls = new Calls();
    calls.turn("ChannelCreated", { channel: local("1.1", 1) });
    calls.turn("ChannelCreated", { channel: local("1.2", 2) });
    const begin = calls.turn("Dial", { caller: { id: "1.0" }, peer: { id: "1.1" }, dialstatus: "" });
    expect(begin).toContain("\r\nLinkedid: 1.0\r\n");
    expect(begin).toContain("\r\nDestLinkedid: 1.0\r\n");
    expect(["1.1", "1.2"].map((id) => calls.linkedId(id))).toEqual(["1.0", "1.0"]);
  });

  it.each([
    ["9.1", "10.1", "9.1"],
    ["10.10", "10.9", "10.9"],
    ["pbx-1700000000.12", "pbx-1700000000.2", "pbx-1700000000.2"],
    ["custom", "1.1", "custom"],
  ])("of channels %s and %s in one bridge is the oldest: %s", (entering, member, oldest) => {
    const calls = new Calls();
    calls.turn("ChannelEnteredBridge", {
      bridge: { channels: [member, entering] },
      channel: { id: entering },
    });
    expect([entering, member].map((id) => calls.linkedId(id))).toEqual([oldest, oldest]);
  });

  it("is the one in the event, whatever is remembered", () => {
    const calls = new Calls();
    calls.turn("Dial", { caller: { id: "1.0" }, peer: { id: "1.1" } });
    const channel = { id: "1.1", channelvars: { "CHANNEL(linkedid)": "7.7" } };
    expect(calls.turn("ChannelStateChange", { channel })).toContain("Linkedid: 7.7\r\n");
  });

  it("is forgotten with the channel, after its Hangup", () => {
    const calls = new Calls();
    calls.turn("Dial", { caller: { id: "1.0" }, peer: { id: "1.1" } });
    expect(calls.turn("ChannelDestroyed", { channel: { id: "1.1" } })).toContain("Linkedid: 1.0\r\n");
    expect(calls.memory.linkedIds).toEqual([]);
  });
});

describe("a destroyed channel", () => {
  const dialplan = (id: string) => ({ channel: { id }, dialplan_app: "Hangup" });

  it("has one Hangup, however often ARI reports its end", () => {
    const calls = new Calls();
    expect(calls.turn("ChannelDestroyed", { channel: { id: "1.1" } })).toContain("Event: Hangup");
    expect(calls.turn("ChannelDestroyed", { channel: { id: "1.1" } })).toBe("");
  });

  it("has no more Newexten, but all other events", () => {
    const calls = new Calls();
    expect(calls.turn("ChannelDialplan", dialplan("1.1"))).toContain("Event: Newexten");
    calls.turn("ChannelDestroyed", { channel: { id: "1.1" } });
    expect(calls.turn("ChannelDialplan", dialplan("1.1"))).toBe("");
    expect(calls.turn("ChannelDialplan", dialplan("1.2"))).toContain("Event: Newexten");
    expect(calls.turn("ChannelCallerId", { channel: { id: "1.1" } })).toContain("Event: NewCallerid");
  });

  it("is live again when a channel with its id is created", () => {
    const calls = new Calls();
    calls.turn("ChannelDestroyed", { channel: { id: "1.1" } });
    calls.turn("ChannelCreated", { channel: { id: "1.1" } });
    expect(calls.turn("ChannelDialplan", dialplan("1.1"))).toContain("Event: Newexten");
  });
});

describe("the call memory", () => {
  it("holds only recently destroyed channels when Asterisk sends linked ids", () => {
    const calls = new Calls();
    const told = (id: string, name = "") => ({ id, name, channelvars: { "CHANNEL(linkedid)": "1.0" } });
    calls.turn("ChannelCreated", { channel: told("1.1", "Local/a@b-1;1") });
    calls.turn("ChannelCreated", { channel: told("1.2", "Local/a@b-1;2") });
    calls.turn("Dial", { caller: told("1.0"), peer: told("1.1") });
    calls.turn("ChannelEnteredBridge", { bridge: { channels: ["1.0", "1.1"] }, channel: told("1.1") });
    expect(packCallMemory(calls.memory)).toBeUndefined();
    calls.turn("ChannelDestroyed", { channel: told("1.1") });
    expect(calls.memory).toEqual({ destroyed: ["1.1"], linkedIds: [], localHalves: [] });
  });

  it("is bounded and keeps the newest entries", () => {
    const calls = new Calls();
    for (let n = 0; n < 400; n += 1) {
      calls.turn("ChannelCreated", { channel: local(`2.${n}`, 1, `Local/${n}`) });
      calls.turn("Dial", { caller: { id: "1.0" }, peer: { id: `3.${n}` } });
      calls.turn("ChannelDestroyed", { channel: { id: `4.${n}` } });
    }
    const { destroyed, linkedIds, localHalves } = calls.memory;
    expect([destroyed.length, linkedIds.length, localHalves.length]).toEqual([16, 300, 16]);
    expect([destroyed.at(-1), linkedIds.at(-1)?.[0], localHalves.at(-1)?.[0]]).toEqual([
      "4.399",
      "3.399",
      "Local/399",
    ]);
  });

  it("has no room for ids longer than any of Asterisk's", () => {
    const calls = new Calls();
    const id = "x".repeat(65);
    calls.turn("Dial", { caller: { id: "1.0" }, peer: { id } });
    calls.turn("ChannelDestroyed", { channel: { id } });
    expect(calls.memory).toEqual(EMPTY_CALL_MEMORY);
  });
});
