import { describe, expect, it } from "vitest";
import { fieldList } from "../../../shared/ami/amiParser.ts";
import { EMPTY_CALL_MEMORY } from "../../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../../shared/ami/convert.ts";
import type { JsonObject } from "../../../shared/ami/json.ts";
import { jsonFields } from "../../../shared/ami/userEvent.ts";

/** A channel as ARI shows it: `alice` has every field, `bob` only the required ones. */
const alice = {
  id: "1795420824.0",
  name: "PJSIP/alice-00000001",
  state: "Up",
  caller: { name: 'Al "Q" O\'Neil?', number: "1001" },
  connected: { name: "", number: "" },
  accountcode: "acc",
  dialplan: { context: "office", exten: "200", priority: 3, app_name: "Dial", app_data: "PJSIP/bob" },
  language: "en",
  tenantid: "t1",
  channelvars: { "CHANNEL(linkedid)": "1795420000.9", MOOD: "a\tb" },
};
const bob = { id: "b1", name: "PJSIP/bob-2", state: "Unknown (12)", dialplan: { priority: null } };

const ALICE = (prefix = "") => [
  `${prefix}Channel: PJSIP/alice-00000001`,
  `${prefix}ChannelState: 6`,
  `${prefix}ChannelStateDesc: Up`,
  `${prefix}CallerIDNum: 1001`,
  `${prefix}CallerIDName: Al \\"Q\\" O\\'Neil\\?`,
  `${prefix}ConnectedLineNum: <unknown>`,
  `${prefix}ConnectedLineName: <unknown>`,
  `${prefix}Language: en`,
  `${prefix}AccountCode: acc`,
  `${prefix}Context: office`,
  `${prefix}Exten: 200`,
  `${prefix}Priority: 3`,
  `${prefix}Uniqueid: 1795420824.0`,
  `${prefix}Linkedid: 1795420000.9`,
  `${prefix}Tenantid: t1`,
  `${prefix}ChanVariable: MOOD=a\\tb`,
];
const BOB = (prefix = "") => [
  `${prefix}Channel: PJSIP/bob-2`,
  `${prefix}ChannelState: 12`,
  `${prefix}ChannelStateDesc: Unknown (12)`,
  `${prefix}CallerIDNum: <unknown>`,
  `${prefix}CallerIDName: <unknown>`,
  `${prefix}ConnectedLineNum: <unknown>`,
  `${prefix}ConnectedLineName: <unknown>`,
  `${prefix}Language: `,
  `${prefix}AccountCode: `,
  `${prefix}Context: `,
  `${prefix}Exten: `,
  `${prefix}Priority: -1`,
  `${prefix}Uniqueid: b1`,
  `${prefix}Linkedid: b1`,
];

const conference = {
  id: "br1",
  bridge_class: "stasis",
  bridge_type: "mixing",
  technology: "softmix",
  creator: "Stasis",
  name: "room",
  channels: ["a", "b"],
  video_mode: "talker",
  video_source_id: "v1",
};
const plain = {
  id: "br2",
  bridge_class: "basic",
  technology: "simple_bridge",
  creator: "",
  name: "",
  channels: [],
};

const CONFERENCE = (prefix = "") => [
  `${prefix}BridgeUniqueid: br1`,
  `${prefix}BridgeType: stasis`,
  `${prefix}BridgeTechnology: softmix`,
  `${prefix}BridgeCreator: Stasis`,
  `${prefix}BridgeName: room`,
  `${prefix}BridgeNumChannels: 2`,
  `${prefix}BridgeVideoSourceMode: talker`,
  `${prefix}BridgeVideoSource: v1`,
];
const PLAIN = (prefix = "") => [
  `${prefix}BridgeUniqueid: br2`,
  `${prefix}BridgeType: basic`,
  `${prefix}BridgeTechnology: simple_bridge`,
  `${prefix}BridgeCreator: <unknown>`,
  `${prefix}BridgeName: <unknown>`,
  `${prefix}BridgeNumChannels: 0`,
  `${prefix}BridgeVideoSourceMode: none`,
];

/** The lines of an event's AMI message. */
function lines(event: JsonObject & { type: string }, options = {}): string[] | undefined {
  const message = new AmiConverter(EMPTY_CALL_MEMORY, options).convert({
    type: event.type,
    body: event,
    text: JSON.stringify(event),
  });
  return message && [...fieldList(message.text)].map(([name, value]) => `${name}: ${value}`);
}

const head = (name: string, eventClass = "call") => [`Event: ${name}`, `Privilege: ${eventClass},all`];

type Case = [what: string, event: JsonObject & { type: string }, expected: string[]];

const endpoint = { technology: "PJSIP", resource: "alice" };
const attended = {
  type: "BridgeAttendedTransfer",
  transferer_first_leg: alice,
  transferer_second_leg: bob,
  result: "Success",
  is_external: false,
};
const ATTENDED = [
  ...head("AttendedTransfer"),
  "Result: Success",
  ...ALICE("OrigTransferer"),
  ...BOB("SecondTransferer"),
  "IsExternal: No",
];

const cases: Case[] = [
  ["a new channel", { type: "ChannelCreated", channel: alice }, [...head("Newchannel"), ...ALICE()]],
  ["a state", { type: "ChannelStateChange", channel: bob }, [...head("Newstate"), ...BOB()]],
  [
    "a hangup",
    { type: "ChannelDestroyed", channel: alice, cause: 16, cause_txt: "Normal Clearing" },
    [...head("Hangup"), ...ALICE(), "Cause: 16", "Cause-txt: Normal Clearing"],
  ],
  [
    "a hangup with the technology's cause",
    { type: "ChannelDestroyed", channel: bob, cause: 21, cause_txt: "Call Rejected", tech_cause: 603 },
    [...head("Hangup"), ...BOB(), "Cause: 21", "Cause-txt: Call Rejected", "TechCause: 603"],
  ],
  [
    "a hangup whose technology has no cause",
    { type: "ChannelDestroyed", channel: bob, cause: 16, cause_txt: "Normal Clearing", tech_cause: 0 },
    [...head("Hangup"), ...BOB(), "Cause: 16", "Cause-txt: Normal Clearing"],
  ],
  [
    "a dialplan step",
    { type: "ChannelDialplan", channel: alice, dialplan_app: "Dial", dialplan_app_data: "PJSIP/bob" },
    [
      ...head("Newexten", "dialplan"),
      ...ALICE(),
      "Extension: 200",
      "Application: Dial",
      "AppData: PJSIP/bob",
    ],
  ],
  [
    "a caller id",
    { type: "ChannelCallerId", channel: bob, caller_presentation: 3, caller_presentation_txt: 'Who "?"' },
    [...head("NewCallerid"), ...BOB(), 'CID-CallingPres: 3 (Who \\"\\?\\")'],
  ],
  [
    "a connected line",
    { type: "ChannelConnectedLine", channel: bob },
    [...head("NewConnectedLine"), ...BOB()],
  ],
  [
    "a hangup request",
    { type: "ChannelHangupRequest", channel: bob, cause: 32, tech_cause: 0 },
    [...head("HangupRequest"), ...BOB(), "Cause: 32", "TechCause: 0"],
  ],
  [
    "a soft hangup request",
    { type: "ChannelHangupRequest", channel: bob, soft: true },
    [...head("SoftHangupRequest"), ...BOB()],
  ],
  [
    "a digit",
    { type: "ChannelDtmfReceived", channel: bob, digit: "#", duration_ms: 120 },
    [...head("DTMFEnd", "dtmf"), ...BOB(), "Digit: #", "DurationMs: 120", "Direction: Received"],
  ],
  [
    "a hold",
    { type: "ChannelHold", channel: bob, musicclass: "default" },
    [...head("Hold"), ...BOB(), "MusicClass: default"],
  ],
  [
    "a hold without music",
    { type: "ChannelHold", channel: bob, musicclass: "N/A" },
    [...head("Hold"), ...BOB()],
  ],
  ["the end of a hold", { type: "ChannelUnhold", channel: bob }, [...head("Unhold"), ...BOB()]],
  ["talking", { type: "ChannelTalkingStarted", channel: bob }, [...head("ChannelTalkingStart"), ...BOB()]],
  [
    "the end of talking",
    { type: "ChannelTalkingFinished", channel: bob, duration: 900 },
    [...head("ChannelTalkingStop"), ...BOB(), "Duration: 900"],
  ],
  [
    "a variable",
    { type: "ChannelVarset", channel: bob, variable: "X", value: "1\r\n'2'" },
    [...head("VarSet", "dialplan"), ...BOB(), "Variable: X", "Value: 1\\r\\n\\'2\\'"],
  ],
  [
    "a global variable",
    { type: "ChannelVarset", variable: "G", value: "" },
    [...head("VarSet", "dialplan"), "Channel: none", "Uniqueid: none", "Variable: G", "Value: "],
  ],
  [
    "a dial that begins",
    {
      type: "Dial",
      caller: alice,
      peer: { ...bob, channelvars: { "CHANNEL(linkedid)": "b1" } },
      dialstatus: "",
      dialstring: "bob",
    },
    [...head("DialBegin"), ...ALICE(), ...BOB("Dest"), "DialString: bob"],
  ],
  [
    "a dial without a caller",
    { type: "Dial", peer: bob, dialstatus: "", dialstring: "" },
    [...head("DialBegin"), ...BOB("Dest"), "DialString: unknown"],
  ],
  ...["RINGING", "PROCEEDING", "PROGRESS"].map(
    (dialstatus): Case => [
      `a dial that is ${dialstatus}`,
      { type: "Dial", peer: bob, dialstatus },
      [...head("DialState"), ...BOB("Dest"), `DialStatus: ${dialstatus}`],
    ],
  ),
  [
    "a dial that was forwarded",
    { type: "Dial", peer: bob, dialstatus: "CANCEL", forward: "Local/x" },
    [...head("DialEnd"), ...BOB("Dest"), "Forward: Local/x", "DialStatus: CANCEL"],
  ],
  ["a new bridge", { type: "BridgeCreated", bridge: conference }, [...head("BridgeCreate"), ...CONFERENCE()]],
  [
    "a bridge without video",
    { type: "BridgeCreated", bridge: { ...plain, video_mode: "none", video_source_id: "v1" } },
    [...head("BridgeCreate"), ...PLAIN()],
  ],
  ["a bridge that ends", { type: "BridgeDestroyed", bridge: plain }, [...head("BridgeDestroy"), ...PLAIN()]],
  [
    "entering a bridge",
    { type: "ChannelEnteredBridge", bridge: conference, channel: alice },
    [...head("BridgeEnter"), ...CONFERENCE(), ...ALICE()],
  ],
  [
    "leaving a bridge",
    { type: "ChannelLeftBridge", bridge: plain, channel: bob },
    [...head("BridgeLeave"), ...PLAIN(), ...BOB()],
  ],
  [
    "bridges that merge",
    { type: "BridgeMerged", bridge: conference, bridge_from: plain },
    [...head("BridgeMerge"), ...CONFERENCE("To"), ...PLAIN("From")],
  ],
  [
    "another video source",
    { type: "BridgeVideoSourceChanged", bridge: conference, old_video_source_id: "v0" },
    [...head("BridgeVideoSourceUpdate"), ...CONFERENCE(), "BridgePreviousVideoSource: v0"],
  ],
  [
    "a blind transfer",
    {
      type: "BridgeBlindTransfer",
      channel: alice,
      transferee: bob,
      bridge: plain,
      exten: "300",
      context: "out",
      result: "Success",
      is_external: true,
    },
    [
      ...head("BlindTransfer"),
      "Result: Success",
      ...ALICE("Transferer"),
      ...BOB("Transferee"),
      ...PLAIN(),
      "IsExternal: Yes",
      "Context: out",
      "Extension: 300",
    ],
  ],
  [
    "an attended transfer with everything, to a bridge",
    {
      ...attended,
      transferer_first_leg_bridge: conference,
      transferer_second_leg_bridge: plain,
      transferee: bob,
      transfer_target: alice,
      destination_type: "bridge",
      destination_bridge: "br1",
    },
    [
      ...head("AttendedTransfer"),
      "Result: Success",
      ...ALICE("OrigTransferer"),
      ...CONFERENCE("Orig"),
      ...BOB("SecondTransferer"),
      ...PLAIN("Second"),
      ...BOB("Transferee"),
      ...ALICE("TransferTarget"),
      "IsExternal: No",
      "DestType: Bridge",
      "DestBridgeUniqueid: br1",
    ],
  ],
  [
    "an attended transfer to an application",
    { ...attended, destination_type: "application", destination_application: "Queue" },
    [...ATTENDED, "DestType: App", "DestApp: Queue"],
  ],
  [
    "an attended transfer to a link",
    {
      ...attended,
      destination_type: "link",
      destination_link_first_leg: alice,
      destination_link_second_leg: bob,
    },
    [...ATTENDED, "DestType: Link", ...ALICE("LocalOne"), ...BOB("LocalTwo")],
  ],
  [
    "an attended transfer to a three-way call",
    {
      ...attended,
      destination_type: "threeway",
      destination_threeway_channel: alice,
      destination_threeway_bridge: plain,
    },
    [
      ...ATTENDED,
      "DestType: Threeway",
      "DestBridgeUniqueid: br2",
      "DestTransfererChannel: PJSIP/alice-00000001",
    ],
  ],
  [
    "an attended transfer that failed",
    { ...attended, destination_type: "fail" },
    [...ATTENDED, "DestType: Fail"],
  ],
  [
    "a device's state",
    { type: "DeviceStateChanged", device_state: { name: "PJSIP/alice", state: "INUSE" } },
    [...head("DeviceStateChange"), "Device: PJSIP/alice", "State: INUSE"],
  ],
  [
    "a peer's status",
    {
      type: "PeerStatusChange",
      endpoint,
      peer: { peer_status: "Unregistered", cause: "Expired", address: "192.0.2.1", port: "5060", time: "9" },
    },
    [
      ...head("PeerStatus", "system"),
      "ChannelType: PJSIP",
      "Peer: PJSIP/alice",
      "PeerStatus: Unregistered",
      "Cause: Expired",
      "Address: 192.0.2.1",
      "Port: 5060",
      "Time: 9",
    ],
  ],
  [
    "a peer of chan_iax2, whose numbers Manager omits",
    {
      type: "PeerStatusChange",
      endpoint,
      peer: { peer_status: "Registered", address: "192.0.2.1", port: 4569, time: 12 },
    },
    [
      ...head("PeerStatus", "system"),
      "ChannelType: PJSIP",
      "Peer: PJSIP/alice",
      "PeerStatus: Registered",
      "Address: 192.0.2.1",
    ],
  ],
  [
    "a contact's status",
    {
      type: "ContactStatusChange",
      endpoint,
      contact_info: {
        uri: "sip:a@192.0.2.1",
        contact_status: "Reachable",
        aor: "alice",
        roundtrip_usec: "900",
      },
    },
    [
      ...head("ContactStatus", "system"),
      "URI: sip:a@192.0.2.1",
      "ContactStatus: Reachable",
      "AOR: alice",
      "EndpointName: alice",
      "RoundtripUsec: 900",
    ],
  ],
  [
    "a user event",
    {
      type: "ChannelUserevent",
      eventname: "Sale",
      userevent: {
        eventname: "Sale",
        a: 1,
        "n/m": { x: [true, null, { y: false }], z: "t" },
        long: { ["k".repeat(70)]: "v" },
      },
      channel: bob,
      bridge: plain,
    },
    [
      ...head("UserEvent", "user"),
      ...BOB(),
      ...PLAIN(),
      "UserEvent: Sale",
      "a: 1",
      "n/m/x(0): True",
      "n/m/x(1): ",
      "n/m/x(2)/y: False",
      "n/m/z: t",
      `long/${"k".repeat(58)}: v`,
    ],
  ],
];

/** The other types of rest-api/api-docs/events.json: Manager has no event for them. */
const UNMAPPED = [
  "ApplicationMoveFailed",
  "ApplicationRegistered",
  "ApplicationReplaced",
  "ApplicationUnregistered",
  "CallBroadcast",
  "CallClaimed",
  "ChannelToneDetected",
  "ChannelTransfer",
  "EndpointStateChange",
  "MissingParams",
  "PlaybackContinuing",
  "PlaybackFinished",
  "PlaybackStarted",
  "RESTResponse",
  "RecordingFailed",
  "RecordingFinished",
  "RecordingStarted",
  "StasisEnd",
  "StasisStart",
  "TextMessageReceived",
];

const ARI_X = "UserEvent: ARI-X";

describe("an ARI event", () => {
  it.each(cases)("about %s becomes what Manager sends", (_what, event, expected) => {
    expect(lines(event)).toEqual(expected);
  });

  it("of every type in Asterisk's rest-api/api-docs/events.json is in this test: 44, MissingParams and RESTResponse", () => {
    expect(new Set([...cases.map(([, { type }]) => type), ...UNMAPPED]).size).toBe(46);
  });

  it.each(UNMAPPED)("%s becomes nothing, or a user event when wrapping is on", (type) => {
    const event = {
      type,
      timestamp: "now",
      channel: bob,
      args: ["a"],
      digits: 1.5,
      whole: 12345678901234567890n.toString(),
    };
    expect(lines(event)).toBeUndefined();
    expect(lines(event, { wrapUnmapped: true })).toEqual([
      ...head("UserEvent", "user"),
      ...BOB(),
      `UserEvent: ARI-${type}`,
      "timestamp: now",
      "args(0): a",
      "digits: ",
      "whole: 12345678901234567890",
    ]);
  });

  it.each(cases.filter(([, { type }]) => type !== "ChannelVarset" && type !== "ChannelUserevent"))(
    "about %s becomes nothing when its object is missing",
    (_what, { type }) => {
      expect(lines({ type })).toBeUndefined();
      expect(
        lines({ type, channel: 1, bridge: [], peer: "x", endpoint: null, device_state: true }),
      ).toBeUndefined();
    },
  );

  it("has no AMI form when that would be longer than 128 KiB", () => {
    const varset = (length: number) =>
      lines({ type: "ChannelVarset", variable: "X", value: "'".repeat(length) });
    expect(varset(60_000)).toBeDefined();
    expect(varset(66_000)).toBeUndefined();
  });

  it("that Manager does not know has whole names, however long and nested", () => {
    const parameter = { parameter_name: "Replaces", parameter_value: "abc;to-tag=1" };
    const event = {
      type: "ChannelTransfer",
      refer_to: { requested_destination: { destination: "1001", additional_protocol_params: [parameter] } },
    };
    const params = "refer_to/requested_destination/additional_protocol_params(0)";
    expect(lines(event, { wrapUnmapped: true })).toEqual([
      ...head("UserEvent", "user"),
      "UserEvent: ARI-ChannelTransfer",
      "refer_to/requested_destination/destination: 1001",
      `${params}/parameter_name: Replaces`,
      `${params}/parameter_value: abc;to-tag=1`,
    ]);
  });

  it.each<[string, object, string[]]>([
    ["a name of its own block", { channel: bob, Uniqueid: "x" }, [...BOB(), ARI_X, "event/Uniqueid: x"]],
    [
      "a name of every event",
      { event: "Hangup", Privilege: "all" },
      [ARI_X, "event/event: Hangup", "event/Privilege: all"],
    ],
    ["the name of the user event", { UserEvent: "ARI-Y" }, [ARI_X, "event/UserEvent: ARI-Y"]],
    ["a name like a nested one", { "a/b": "1", a: { b: "2" } }, [ARI_X, "a/b: 1", "event/a/b: 2"]],
    ["a name like an item", { "a(0)": "1", a: ["2"] }, [ARI_X, "a(0): 1", "event/a(0): 2"]],
    ["names that differ by case", { A: "1", a: "2" }, [ARI_X, "A: 1", "event/a: 2"]],
    [
      "names that are taken again",
      { a: "1", A: "2", "event/a": "3", "event/A": "4" },
      [ARI_X, "a: 1", "event/A: 2", "event/event/a: 3", "event3/event/A: 4"],
    ],
    ["a name with a header in it", { "Event: Hangup": "1" }, [ARI_X, "Event_ Hangup: 1"]],
    ["a name with a line in it", { "k\r\nEvent": "1" }, [ARI_X, "k__Event: 1"]],
    ["no name", { "": "1" }, [ARI_X, "_: 1"]],
  ])("that Manager does not know never has two fields of one name: %s", (_what, event, expected) => {
    expect(lines({ type: "X", ...event }, { wrapUnmapped: true })).toEqual([
      ...head("UserEvent", "user"),
      ...expected,
    ]);
  });

  it("finds names for thousands that differ by case only, and is not slower for it", () => {
    const name = (n: number) =>
      [...n.toString(2).padStart(12, "0")].map((bit) => (bit === "0" ? "a" : "A")).join("");
    const event = Object.fromEntries(Array.from({ length: 4_000 }, (_, n) => [name(n), "1"]));
    const names = lines({ type: "X", ...event }, { wrapUnmapped: true })?.map((line) => line.split(":")[0]);
    expect(new Set(names?.map((each) => each?.toLowerCase())).size).toBe(4_000 + 3);
  });

  it("is flattened only up to the limit", () => {
    const object = new Map([
      ["a", "12345"],
      ["b", "1"],
    ]);
    expect(jsonFields(object, new Set(), { maxBytes: 16 })).toHaveLength(2);
    expect(jsonFields(object, new Set(), { maxBytes: 15 })).toBeUndefined();
  });

  it.each([
    ["Down", "0"],
    ["Pre-ring", "9"],
    ["Mute", "65536"],
    ["Unknown (300)", "300"],
    ["Unknown", "0"],
  ])("converts the state %s to the number %s", (state, number) => {
    expect(lines({ type: "ChannelStateChange", channel: { ...bob, state } })).toContain(
      `ChannelState: ${number}`,
    );
  });

  it("from a user has no AMI form when it is not about a channel", () => {
    const event = {
      type: "ChannelUserevent",
      eventname: "Sale",
      userevent: { eventname: "Sale", a: "1" },
      bridge: plain,
    };
    expect(lines(event)).toBeUndefined();
    expect(lines(event, { wrapUnmapped: true })).toEqual([
      ...head("UserEvent", "user"),
      ...PLAIN(),
      "UserEvent: ARI-ChannelUserevent",
      "eventname: Sale",
      "userevent/eventname: Sale",
      "userevent/a: 1",
    ]);
  });

  it("keeps the spelling of numbers in a user event", () => {
    const text =
      '{"type":"ChannelUserevent","eventname":"N","channel":{},"userevent":{"big":12345678901234567890,"real":1.0,"e":1e3}}';
    const message = new AmiConverter(EMPTY_CALL_MEMORY).convert({
      type: "ChannelUserevent",
      body: JSON.parse(text),
      text,
    });
    expect(message?.text).toContain("big: 12345678901234567890\r\nreal: \r\ne: \r\n");
  });

  it("keeps the order of a user event's keys, whatever they are", () => {
    const text =
      '{"type":"ChannelUserevent","eventname":"N","channel":{},"userevent":' +
      String.raw`{ "b\"{1:" : "2\":", "1":"x", "0":{"9":[],"8":"y","":"z"}, "__proto__":{"7" :1,"a":2} }}`;
    const message = new AmiConverter(EMPTY_CALL_MEMORY).convert({
      type: "ChannelUserevent",
      body: JSON.parse(text),
      text,
    });
    expect(message?.text.split("UserEvent: N\r\n")[1]).toBe(
      'b"{1:: 2":\r\n1: x\r\n0/8: y\r\n0/: z\r\n__proto__/7: 1\r\n__proto__/a: 2\r\n\r\n',
    );
  });

  it.each([
    ["a field list longer than the limit", `[${"0,".repeat(20_000)}0]`],
    ["nesting that is too deep", `${"[".repeat(5000)}${"]".repeat(5000)}`],
  ])("with %s has no AMI form", (_what, json) => {
    const text = `{"type":"ChannelUserevent","eventname":"N","channel":{},"userevent":{"k":${json}}}`;
    const converter = new AmiConverter(EMPTY_CALL_MEMORY);
    expect(converter.convert({ type: "ChannelUserevent", body: JSON.parse(text), text })).toBeUndefined();
  });
});
