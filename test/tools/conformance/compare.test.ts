import { describe, expect, it } from "vitest";
import { readAmi } from "../../../shared/ami/amiParser.ts";
import { compare } from "../../../tools/conformance/compare.ts";
import type { ComparedMessage } from "../../../tools/conformance/comparedMessage.ts";
import { asCompared } from "../../../tools/conformance/recording.ts";

/** A message of these lines, preceded by the headers that Asterisk puts first. */
function message(name: string, ...lines: readonly string[]): ComparedMessage {
  return asCompared(readAmi([`Event: ${name}`, "Privilege: call,all", ...lines, "", ""].join("\r\n")));
}

const outcome = (sent: readonly ComparedMessage[], made: readonly ComparedMessage[]) => {
  const { differences, tallies } = compare(sent, made);
  const explained = tallies.flatMap((tally) => [...tally.explained]);
  return [differences.map(({ kind, detail }) => `${kind} ${detail}`.trim()), Object.fromEntries(explained)];
};

describe("the exceptions explain only their own differences", () => {
  it.each<[string, ComparedMessage | undefined, ComparedMessage | undefined]>([
    ["no ARI event", message("Rename", "Uniqueid: 1"), undefined],
    [
      "answer",
      {
        name: "DeviceStateChange",
        fields: [
          ["Event", "DeviceStateChange"],
          ["Device", "SIP/a"],
        ],
      },
      undefined,
    ],
    ["sent DTMF", message("DTMFEnd", "Uniqueid: 1", "Digit: 1", "Direction: Sent"), undefined],
    ["UserEvent action", message("UserEvent", "UserEvent: X", "ActionID: 7"), undefined],
    [
      "several objects",
      message(
        "UserEvent",
        "Channel: a",
        "Uniqueid: 1",
        "2Channel: b",
        "2Uniqueid: 2",
        "UserEvent: X",
        "k: v",
      ),
      message("UserEvent", "Channel: b", "Uniqueid: 2", "UserEvent: X", "k: v"),
    ],
    [
      "hidden channels",
      message("BridgeEnter", "BridgeUniqueid: b", "BridgeNumChannels: 3"),
      message("BridgeEnter", "BridgeUniqueid: b", "BridgeNumChannels: 2"),
    ],
    [
      "swapped channel",
      message("BridgeEnter", "BridgeUniqueid: b", "Uniqueid: 1", "SwapUniqueid: 2"),
      message("BridgeEnter", "BridgeUniqueid: b", "Uniqueid: 1"),
    ],
    [
      "hidden channels and swapped channel",
      message("BridgeEnter", "BridgeNumChannels: 3", "Uniqueid: 1", "SwapUniqueid: 2"),
      message("BridgeEnter", "BridgeNumChannels: 2", "Uniqueid: 1"),
    ],
    [
      "other channelvars",
      message("Newstate", "Uniqueid: 1", "ChanVariable: a=1", "ChanVariable: b=2"),
      message("Newstate", "Uniqueid: 1", "ChanVariable: b=2", "ChanVariable: c=3"),
    ],
    ["not UTF-8", message("VarSet", "Uniqueid: 1", "AppData: \ufffd"), undefined],
    [
      "not UTF-8",
      message("Newstate", "CallerIDName: J\ufffdrg", "Uniqueid: 1"),
      message("Newstate", "CallerIDName: <unknown>", "Uniqueid: 1"),
    ],
  ])("%s", (reason, sent, made) => {
    expect(outcome(sent ? [sent] : [], made ? [made] : [])).toEqual([[], { [reason]: 1 }]);
  });

  it.each<[string, ComparedMessage | undefined, ComparedMessage | undefined]>([
    ["missing", message("Hangup", "Uniqueid: 1"), undefined],
    ["missing", message("UserEvent", "Channel: a", "Uniqueid: 1", "UserEvent: X"), undefined],
    ["too much", undefined, message("UserEvent", "UserEvent: X")],
    ["too much", undefined, message("DTMFEnd", "Uniqueid: 1", "Digit: 1", "Direction: Sent")],
    [
      'k: "v" instead of "w"',
      message(
        "UserEvent",
        "Channel: a",
        "Uniqueid: 1",
        "2Channel: b",
        "2Uniqueid: 2",
        "UserEvent: X",
        "k: v",
      ),
      message("UserEvent", "Channel: b", "Uniqueid: 2", "UserEvent: X", "k: w"),
    ],
    [
      'different BridgeNumChannels: "2" instead of "3"',
      message("BridgeEnter", "BridgeNumChannels: 2"),
      message("BridgeEnter", "BridgeNumChannels: 3"),
    ],
    [
      'different SwapUniqueid: "2" instead of "3"',
      message("BridgeEnter", "Uniqueid: 1", "SwapUniqueid: 2"),
      message("BridgeEnter", "Uniqueid: 1", "SwapUniqueid: 3"),
    ],
    [
      'different ChanVariable: "a=1" instead of "a=2"',
      message("Newstate", "Uniqueid: 1", "ChanVariable: a=1"),
      message("Newstate", "Uniqueid: 1", "ChanVariable: a=2"),
    ],
    [
      'different CallerIDName: "J\ufffdrg" instead of "Jurg"',
      message("Newstate", "CallerIDName: J\ufffdrg"),
      message("Newstate", "CallerIDName: Jurg"),
    ],
  ])("%s", (difference, sent, made) => {
    expect(outcome(sent ? [sent] : [], made ? [made] : [])).toEqual([
      [expect.stringContaining(difference)],
      {},
    ]);
  });
});

describe("messages that only stand in another place", () => {
  const leave = message("BridgeLeave", "BridgeUniqueid: b", "Uniqueid: 1");
  const enter = message("BridgeEnter", "BridgeUniqueid: b", "Uniqueid: 1");
  const hold = message("Hold", "Uniqueid: 1");

  it.each([
    message("BlindTransfer", "TransfererUniqueid: 1", "BridgeUniqueid: b", "Extension: 7"),
    message("AttendedTransfer", "OrigTransfererUniqueid: 1", "DestType: Bridge"),
    message("AttendedTransfer", "BridgeUniqueid: b", "OrigTransfererUniqueid: 1"),
  ])("are told as the order of two threads where Asterisk has no common order", (transfer) => {
    const sent = [enter, transfer, leave, hold];
    for (const made of [
      [enter, leave, transfer, hold],
      [enter, leave, hold, transfer],
      [transfer, enter, leave, hold],
    ])
      expect(outcome(sent, made)).toEqual([[], { "order of two threads": expect.any(Number) }]);
  });

  it("are told as out of order everywhere else, never as missing and too much", () => {
    expect(outcome([enter, hold, leave], [enter, leave, hold])).toEqual([["out of order"], {}]);
    expect(outcome([hold, enter, leave], [enter, leave, hold])[0]).toEqual(["out of order"]);
  });

  it("are still missing when the other side has fewer of them", () => {
    expect(outcome([hold, enter, hold], [enter, hold])).toEqual([["missing"], {}]);
  });
});

it("the optional headers that Asterisk puts first are not compared there, but are compared elsewhere", () => {
  const lines = ["Channel: a", "Uniqueid: 1", "Timestamp: mine"];
  const head = ["Timestamp: 1.000001", "SequenceNumber: 1", "File: f", "Line: 1", "Func: g", "SystemName: s"];
  const made = message("UserEvent", ...lines);
  expect(outcome([message("UserEvent", ...head, ...lines)], [made])).toEqual([[], {}]);
  expect(outcome([message("UserEvent", ...lines, ...head)], [made])[0]).toHaveLength(1);
});

it("a value with line breaks is compared without them, as the relay writes it", () => {
  const sent = message("UserEvent", "Channel: a", "UserEvent: X", "note: one", "two", "three", "k: v");
  const made = message("UserEvent", "Channel: a", "UserEvent: X", "note: onetwothree", "k: v");
  expect(outcome([sent], [made])).toEqual([[], {}]);
});

it("a device with very many messages is compared, even if many have no counterpart", () => {
  const state = (index: number) => message("DeviceStateChange", "Device: SIP/a", `State: ${index % 2}`);
  const states = Array.from({ length: 50_000 }, (_, index) => state(index));
  const others = Array.from({ length: 50_000 }, (_, index) =>
    message("Other", "Device: SIP/a", `N: ${index}`),
  );
  const sent = states.flatMap((each, index) => [each, ...others.slice(index, index + 1)]);
  const started = performance.now();
  expect(outcome(sent, states)).toEqual([[], { "no ARI event": 50_000 }]);
  expect(outcome(sent, [...states.slice(1, 40_000), ...states.slice(40_001)])[0]).toEqual([
    "missing",
    "missing",
  ]);
  expect(performance.now() - started).toBeLessThan(60_000);
});
