import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { handle, loggedIn, NEW_DIALOGUE } from "../../gateway/protocol/dialogue.ts";
import { StateTracker } from "../../gateway/state/stateTracker.ts";
import { readAmiEvents } from "../../shared/ami/amiEvents.ts";
import type { AmiMessage } from "../../shared/ami/amiMessage.ts";
import { fieldList, readAmi } from "../../shared/ami/amiParser.ts";
import { type Message, renderAmiOnly, renderMessage } from "../../shared/queue/message.ts";
import { amiUser } from "../support/gatewayUnderTest.ts";

const NOW = 1_795_421_000_000;
const UNKNOWN = { version: "23.5.0", systemName: "", startedAtEpochMillis: NOW };

function trackerOf(messages: readonly Message[], atEpochMillis = NOW): StateTracker {
  const tracker = new StateTracker(UNKNOWN);
  tracker.observe({ messages, appendedAtEpochMillis: atEpochMillis });
  return tracker;
}

const ami = (message: AmiMessage) => renderAmiOnly(message, "");
const event = (name: string, ...fields: string[]) =>
  ami(
    readAmi(`Event: ${name}\r\nPrivilege: call,all\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`),
  );

/** The answer to an action of a user who may read these classes. */
function answer(tracker: StateTracker, lines: readonly string[], read = "all", nowEpochMillis = NOW): string {
  const world = { nowEpochMillis, nowEpochMicros: 0, pbx: tracker.pbx, state: tracker.state };
  const { dialogue } = loggedIn(NEW_DIALOGUE, { lines: [] }, amiUser({ read }), world);
  const outcome = handle(dialogue, { lines }, world, () => "1");
  return outcome.kind === "answer" ? outcome.text : outcome.kind;
}

const recorded = readAmiEvents(
  gunzipSync(readFileSync(join(import.meta.dirname, "../../local/recordings/busy-150/ami-all.txt.gz"))),
).events.flatMap((item) => ("ami" in item ? [item.ami] : []));

describe("the state after recorded calls", () => {
  const half = recorded.slice(0, recorded.length / 2);
  const fieldIn = (message: AmiMessage, name: string) =>
    [...fieldList(message.text)].find(([field]) => field === name)?.[1] ?? "";
  const idsOf = (name: string, field = "Uniqueid") =>
    half.flatMap((message) => (message.name === name ? [fieldIn(message, field)] : []));

  it("has the channels that were created and not hung up, as the last event about each shows them", () => {
    const { state } = trackerOf(half.map(ami));
    const gone = new Set(idsOf("Hangup"));
    // Some of the channels existed before the recording began.
    const live = idsOf("Newchannel").filter((id) => !gone.has(id));
    expect(live.length).toBeGreaterThan(10);
    expect([...state.channels.keys()].filter((id) => live.includes(id)).sort()).toEqual(live.sort());
    expect([...state.channels.keys()].filter((id) => gone.has(id))).toEqual([]);
    const about = new Set([
      "Newchannel",
      "Newstate",
      "NewCallerid",
      "NewConnectedLine",
      "Newexten",
      "BridgeEnter",
      "BridgeLeave",
    ]);
    for (const id of live) {
      const last = half.findLast((message) => about.has(message.name) && fieldIn(message, "Uniqueid") === id);
      expect(state.channels.get(id)?.fields.find(([name]) => name === "ChannelStateDesc")?.[1]).toBe(
        last && fieldIn(last, "ChannelStateDesc"),
      );
    }
  });

  it("has the bridges, device states, queue members and callers", () => {
    const { state } = trackerOf(half.map(ami));
    const destroyed = new Set(idsOf("BridgeDestroy", "BridgeUniqueid"));
    expect([...state.bridges.keys()].sort()).toEqual(
      [...new Set([...idsOf("BridgeCreate", "BridgeUniqueid"), ...idsOf("BridgeEnter", "BridgeUniqueid")])]
        .filter((id) => !destroyed.has(id))
        .sort(),
    );
    expect(state.deviceStates.size).toBe(new Set(idsOf("DeviceStateChange", "Device")).size);
    const joined = new Set(idsOf("QueueCallerJoin"));
    for (const id of [...idsOf("QueueCallerLeave"), ...idsOf("QueueCallerAbandon")]) joined.delete(id);
    expect([...(state.queues.get("support")?.callers.keys() ?? [])].sort()).toEqual([...joined].sort());
    expect([...(state.queues.get("support")?.members.keys() ?? [])]).toContain("Local/agent1@agents/n");
  });

  it("is empty of calls after a shutdown", () => {
    const { state } = trackerOf([...half.map(ami), event("Shutdown", "Shutdown: Cleanly", "Restart: False")]);
    expect([state.channels.size, state.bridges.size, state.conferences.size, state.parkedCalls.size]).toEqual(
      [0, 0, 0, 0],
    );
  });
});

const CHANNEL = [
  "Channel: PJSIP/alice-1",
  "ChannelState: 6",
  "ChannelStateDesc: Up",
  "CallerIDNum: 100",
  "CallerIDName: Alice",
  "ConnectedLineNum: <unknown>",
  "ConnectedLineName: <unknown>",
  "Language: en",
  "AccountCode: ",
  "Context: default",
  "Exten: 200",
  "Priority: 1",
  "Uniqueid: 1.1",
  "Linkedid: 1.1",
];
const BLOCK = CHANNEL.map((line) => `${line}\r\n`).join("");

describe("a list action", () => {
  const calls = trackerOf([
    event("Newchannel", ...CHANNEL),
    event("Newexten", ...CHANNEL, "Extension: 200", "Application: Dial", "AppData: PJSIP/bob"),
    event(
      "BridgeEnter",
      "BridgeUniqueid: b1",
      "BridgeType: basic",
      "BridgeTechnology: simple_bridge",
      ...CHANNEL,
    ),
  ]);

  it("shows the channels as Manager does", () => {
    expect(answer(calls, ["Action: CoreShowChannels", "ActionID: 7"], "call", NOW + 3_725_000)).toBe(
      "Response: Success\r\nActionID: 7\r\nEventList: start\r\nMessage: Channels will follow\r\n\r\n" +
        `Event: CoreShowChannel\r\nActionID: 7\r\n${BLOCK}Application: Dial\r\nApplicationData: PJSIP/bob\r\n` +
        "Duration: 01:02:05\r\nBridgeId: b1\r\n\r\n" +
        "Event: CoreShowChannelsComplete\r\nActionID: 7\r\nEventList: Complete\r\nListItems: 1\r\n\r\n",
    );
  });

  it("shows one channel's status, its ActionID last", () => {
    const text = answer(calls, ["Action: Status", "ActionID: 8", "Channel: PJSIP/alice-1"]);
    expect(text).toContain(`Event: Status\r\nPrivilege: Call\r\n${BLOCK}Type: PJSIP\r\n`);
    expect(text).toContain("Seconds: 0\r\nActionID: 8\r\n\r\n");
    expect(text).toContain("ListItems: 1\r\nItems: 1\r\n\r\n");
    expect(answer(calls, ["Action: Status", "Channel: SIP/none"])).toBe(
      "Response: Error\r\nMessage: No such channel\r\n\r\n",
    );
  });

  it("shows a bridge with its channels", () => {
    expect(answer(calls, ["Action: BridgeInfo", "BridgeUniqueid: b1"])).toBe(
      "Response: Success\r\nEventList: start\r\nMessage: Bridge channel listing will follow\r\n\r\n" +
        `Event: BridgeInfoChannel\r\n${BLOCK}\r\n` +
        "Event: BridgeInfoComplete\r\nEventList: Complete\r\nListItems: 1\r\n" +
        "BridgeUniqueid: b1\r\nBridgeType: basic\r\nBridgeTechnology: simple_bridge\r\n\r\n",
    );
  });

  it("shows queues with members and callers", () => {
    const tracker = trackerOf(recorded.map(ami));
    const text = answer(tracker, ["Action: QueueStatus", "Queue: SUPPORT", "ActionID: q"]);
    expect(
      text.startsWith(
        "Response: Success\r\nActionID: q\r\nEventList: start\r\nMessage: Queue status will follow\r\n\r\n",
      ),
    ).toBe(true);
    expect(text).toContain("Event: QueueParams\r\nQueue: support\r\n");
    expect(text).toMatch(
      /Event: QueueMember\r\nQueue: support\r\nName: Local\/agent1@agents\/n\r\nLocation: Local\/agent1@agents\/n\r\nStateInterface: /,
    );
    expect(text).not.toContain("Ringinuse");
    expect(answer(tracker, ["Action: QueueSummary"])).toMatch(
      /Queue: support\r\nLoggedIn: \d+\r\nAvailable: \d+\r\nCallers: \d+\r\n/,
    );
  });

  it("shows who is in a conference, until it ends", () => {
    const join = event(
      "ConfbridgeJoin",
      "Conference: room",
      "BridgeUniqueid: b2",
      ...CHANNEL,
      "Admin: Yes",
      "Muted: No",
    );
    const mute = event("ConfbridgeMute", "Conference: room", ...CHANNEL, "Admin: Yes");
    const tracker = trackerOf([event("ConfbridgeStart", "Conference: room"), join, mute]);
    expect(answer(tracker, ["Action: ConfbridgeListRooms"])).toContain(
      "Event: ConfbridgeListRooms\r\nConference: room\r\nParties: 1\r\nMarked: 0\r\nLocked: No\r\nMuted: No\r\n\r\n",
    );
    expect(answer(tracker, ["Action: ConfbridgeList", "Conference: room"])).toContain(
      "Conference: room\r\nAdmin: Yes\r\nMarkedUser: No\r\nWaitMarked: No\r\nEndMarked: No\r\nEndMarkedAny: No\r\n" +
        `Waiting: No\r\nMuted: Yes\r\nTalking: No\r\nAnsweredTime: 0\r\n${BLOCK}\r\n`,
    );
    tracker.observe({ messages: [event("ConfbridgeEnd", "Conference: room")], appendedAtEpochMillis: NOW });
    expect(answer(tracker, ["Action: ConfbridgeListRooms"])).toBe(
      "Response: Error\r\nMessage: No active conferences.\r\n\r\n",
    );
  });

  it("shows parked calls, hints, contacts and device states", () => {
    const parked = event(
      "ParkedCall",
      "ParkeeChannel: SIP/a",
      "ParkeeUniqueid: 9.9",
      "ParkerDialString: SIP/b",
      "Parkinglot: default",
      "ParkingSpace: 701",
      "ParkingTimeout: 45",
      "ParkingDuration: 0",
    );
    const tracker = trackerOf([
      parked,
      event(
        "ExtensionStatus",
        "Exten: 200",
        "Context: default",
        "Hint: PJSIP/bob",
        "Status: 1",
        "StatusText: InUse",
      ),
      event(
        "ContactStatus",
        "URI: sip:bob@10.0.0.1",
        "ContactStatus: Reachable",
        "AOR: bob",
        "EndpointName: bob",
        "RoundtripUsec: 1500",
      ),
      event("DeviceStateChange", "Device: PJSIP/bob", "State: INUSE"),
    ]);
    expect(answer(tracker, ["Action: ParkedCalls", "ActionID: p"], "all", NOW + 5_000)).toContain(
      "ParkingTimeout: 45\r\nParkingDuration: 5\r\nActionID: p\r\n\r\nEvent: ParkedCallsComplete\r\nActionID: p\r\n" +
        "EventList: Complete\r\nListItems: 1\r\nTotal: 1\r\n\r\n",
    );
    expect(answer(tracker, ["Action: ExtensionState", "Exten: 200"])).toBe(
      "Response: Success\r\nMessage: Extension Status\r\nExten: 200\r\nContext: default\r\nHint: PJSIP/bob\r\nStatus: 1\r\nStatusText: InUse\r\n\r\n",
    );
    expect(answer(tracker, ["Action: PJSIPShowContacts"])).toContain(
      "Uri: sip:bob@10.0.0.1\r\nAor: bob\r\nEndpoint: bob\r\nStatus: Reachable\r\nRoundtripUsec: 1500\r\n",
    );
    expect(answer(tracker, ["Action: DeviceStateList"])).toContain(
      "Event: DeviceStateChange\r\nDevice: PJSIP/bob\r\nState: INUSE\r\n\r\n",
    );
  });

  it("of objects that no feed tells is empty, or says what Manager says when there are none", () => {
    const nothing = trackerOf([]);
    for (const action of [
      "Agents",
      "Parkinglots",
      "IAXpeers",
      "PresenceStateList",
      "PJSIPShowRegistrationsOutbound",
    ])
      expect(answer(nothing, [`Action: ${action}`])).toContain("EventList: Complete\r\nListItems: 0\r\n");
    expect(answer(nothing, ["Action: PJSIPShowEndpoints"])).toBe(
      "Response: Error\r\nMessage: No endpoints found\r\n\r\n",
    );
    expect(answer(nothing, ["Action: PJSIPShowContacts"])).toBe(
      "Response: Error\r\nMessage: No Contacts found\r\n\r\n",
    );
    expect(answer(nothing, ["Action: PJSIPShowAors"])).toBe(
      "Response: Error\r\nMessage: No AORs found\r\n\r\n",
    );
  });

  it("is refused to users who may not read such events", () => {
    for (const action of ["CoreShowChannels", "QueueStatus", "PJSIPShowEndpoints"])
      expect(answer(calls, [`Action: ${action}`], "cdr")).toBe(
        "Response: Error\r\nMessage: Permission denied\r\n\r\n",
      );
    expect(answer(calls, ["Action: ListCommands"], "cdr")).not.toContain("CoreShowChannels");
  });
});

describe("a snapshot", () => {
  const part = (item: string, fields: object) =>
    renderMessage(
      "RelaySnapshot",
      "2026-11-27T10:00:00.000Z",
      JSON.stringify({
        type: "RelaySnapshot",
        timestamp: "2026-11-27T10:00:00.000Z",
        snapshot: "s",
        item,
        ...fields,
      }),
    );
  const channel = {
    id: "5.5",
    name: "PJSIP/zoë-5",
    state: "Up",
    caller: { number: "5", name: "Zoë" },
    connected: { number: "", name: "" },
    dialplan: { context: "c", exten: "e", priority: 2, app_name: "Queue", app_data: "support" },
    language: "en",
    accountcode: "",
    creationtime: "2026-11-27T09:59:30.000+0000",
  };
  const bridge = {
    id: "b5",
    technology: "softmix",
    bridge_class: "base",
    creator: "",
    name: "",
    channels: ["5.5"],
    video_mode: "none",
  };
  const parts = [
    part("begin", {
      reason: "start",
      epoch: "2026-11-27T08:00:00.000Z",
      pbx: { version: "22.9.1", systemName: "pbx1" },
    }),
    part("channel", { channel }),
    part("bridge", { bridge }),
    part("endpoint", {
      endpoint: { technology: "PJSIP", resource: "zoë", state: "online", channel_ids: ["5.5"] },
    }),
    part("deviceState", { device_state: { name: "PJSIP/zoë", state: "INUSE" } }),
  ];
  const end = part("end", { counts: { channels: 1, bridges: 1, endpoints: 1, deviceStates: 1 } });
  const bytes = (text: string) => Buffer.from(text).toString("latin1");

  it("replaces what was known, once it is whole", () => {
    const tracker = trackerOf([event("Newchannel", ...CHANNEL), ...parts]);
    expect([...tracker.state.channels.keys()]).toEqual(["1.1"]);
    tracker.observe({ messages: [end], appendedAtEpochMillis: NOW });
    expect([...tracker.state.channels.keys()]).toEqual(["5.5"]);
    const now = Date.parse("2026-11-27T10:00:00.000Z");
    const text = answer(tracker, ["Action: CoreShowChannels"], "all", now);
    expect(text).toContain(bytes("CallerIDNum: 5\r\nCallerIDName: Zoë\r\nConnectedLineNum: <unknown>\r\n"));
    expect(text).toContain(
      "Application: Queue\r\nApplicationData: support\r\nDuration: 00:00:30\r\nBridgeId: b5\r\n",
    );
    expect(answer(tracker, ["Action: PJSIPShowEndpoints"])).toContain(
      bytes("ObjectType: endpoint\r\nObjectName: zoë\r\n"),
    );
    expect(answer(tracker, ["Action: BridgeList", "BridgeType: softmix"])).toContain(
      "BridgeUniqueid: b5\r\n",
    );
  });

  it("says which Asterisk it is", () => {
    const tracker = trackerOf([...parts, end]);
    expect(answer(tracker, ["Action: CoreSettings"])).toContain(
      "AMIversion: 11.0.0\r\nAsteriskVersion: 22.9.1\r\nSystemName: pbx1\r\n",
    );
    expect(answer(tracker, ["Action: CoreStatus"])).toContain(
      "CoreStartupDate: 2026-11-27\r\nCoreStartupTime: 08:00:00\r\n",
    );
  });

  it("that is interrupted by another one is dropped", () => {
    const tracker = trackerOf([...parts, part("begin", { snapshot: "other" }), end]);
    expect(tracker.state.channels.size).toBe(0);
  });
});

it("the state is bounded: the oldest of very many channels are forgotten", () => {
  const tracker = new StateTracker(UNKNOWN);
  for (let count = 0; count < 25; count += 1)
    tracker.observe({
      messages: Array.from({ length: 1_000 }, (_, index) =>
        event("Newchannel", `Channel: Local/${count}-${index}`, `Uniqueid: ${count}.${index}`),
      ),
      appendedAtEpochMillis: NOW,
    });
  expect(tracker.state.channels.size).toBe(20_000);
  expect(tracker.state.channels.has("24.999")).toBe(true);
  expect(tracker.state.channelsSeen).toBe(25_000);
});
