import { type ComparedMessage, fieldOf } from "./comparedMessage.ts";

/** A place where the two sides differ. */
export interface Difference {
  /** The message that Asterisk sent; undefined when only the relay made one. */
  readonly sent: ComparedMessage | undefined;
  readonly made: ComparedMessage | undefined;
  readonly differing: readonly string[];
}

interface Exception {
  readonly name: string;
  readonly why: string;
  /** Whether the exception explains that only one side has the message. */
  readonly explainsMessage?: (message: { sent?: ComparedMessage; made?: ComparedMessage }) => boolean;
  /** Whether the exception explains that two messages come in another order. */
  readonly explainsOrder?: (names: readonly [string, string]) => boolean;
  /** Whether the exception explains that a field differs. */
  readonly explainsField?: (field: string, sent: ComparedMessage, made: ComparedMessage) => boolean;
}

/** The AMI events that conversion can make. All others have no ARI counterpart and need the raw AMI source. */
const CONVERTED = new Set([
  "Newchannel",
  "Newstate",
  "Hangup",
  "Newexten",
  "NewCallerid",
  "NewConnectedLine",
  "SoftHangupRequest",
  "HangupRequest",
  "DTMFEnd",
  "Hold",
  "Unhold",
  "ChannelTalkingStart",
  "ChannelTalkingStop",
  "VarSet",
  "UserEvent",
  "DialBegin",
  "DialState",
  "DialEnd",
  "BridgeCreate",
  "BridgeDestroy",
  "BridgeEnter",
  "BridgeLeave",
  "BridgeMerge",
  "BridgeVideoSourceUpdate",
  "BlindTransfer",
  "AttendedTransfer",
  "DeviceStateChange",
  "PeerStatus",
  "ContactStatus",
]);

/** The differences that cannot be avoided, with the reason. Each exception is as narrow as its reason. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    name: "no ARI event",
    why: "Asterisk publishes the event to Manager only; send it to the relay as raw AMI",
    explainsMessage: ({ sent }) => sent !== undefined && !CONVERTED.has(sent.name),
  },
  {
    name: "answer",
    why: "the response to an action also has event blocks; only events for every session have a Privilege",
    explainsMessage: ({ sent }) => sent !== undefined && fieldOf(sent, "Privilege") === undefined,
  },
  {
    name: "sent DTMF",
    why: "ARI reports only the digits that a channel receives (main/stasis_channels.c)",
    explainsMessage: ({ sent }) => sent?.name === "DTMFEnd" && fieldOf(sent, "Direction") === "Sent",
  },
  {
    name: "UserEvent action",
    why: "Manager sends it to its own sessions only; user events from calls and ARI have a channel before the name",
    explainsMessage: ({ sent }) => sent?.name === "UserEvent" && sent.fields[2]?.[0] === "UserEvent",
  },
  {
    name: "several objects",
    why: "ARI shows only the last of a user event's channels or bridges (main/stasis.c)",
    explainsField: (field, sent, made) =>
      sent.name === "UserEvent" &&
      sent.fields.some(([name]) => name === "2Channel" || name === "2BridgeUniqueid") &&
      !namesOfUser(sent).includes(field) &&
      !namesOfUser(made).includes(field),
  },
  {
    name: "hidden channels",
    why: "Manager counts a bridge's internal channels (announcer, recorder); ARI does not list them",
    explainsField: (field, sent, made) =>
      field.endsWith("BridgeNumChannels") && Number(fieldOf(sent, field)) > Number(fieldOf(made, field)),
  },
  {
    name: "swapped channel",
    why: "ARI does not say which channel another one replaces in a bridge",
    explainsField: (field, sent, made) =>
      sent.name === "BridgeEnter" && field === "SwapUniqueid" && fieldOf(made, field) === undefined,
  },
  {
    name: "other channelvars",
    why: "manager.conf and ari.conf each configure which variables come with a channel",
    explainsField: (field, sent, made) =>
      field.endsWith("ChanVariable") && variablesToldByBoth(field, sent, made).every(([a, b]) => a === b),
  },
  {
    name: "not UTF-8",
    why: "JSON cannot hold the value: ARI leaves it empty or drops the event (main/json.c)",
    explainsMessage: ({ sent }) => sent?.fields.some(([, value]) => value.includes(UNREADABLE)) ?? false,
    explainsField: (field, sent, made) =>
      (fieldOf(sent, field)?.includes(UNREADABLE) ?? false) &&
      ["", "<unknown>"].includes(fieldOf(made, field) ?? ""),
  },
  {
    name: "order of two threads",
    why: "a transfer is published by its own thread, so ARI and Manager may each have it before or after the others' messages (main/bridge.c)",
    explainsOrder: (names) => names.some((name) => TRANSFERS.has(name)),
  },
];

/** Events about transfers. The threads of the channels publish the others. */
const TRANSFERS = new Set(["BlindTransfer", "AttendedTransfer"]);

/** The replacement character for bytes that are not UTF-8. */
const UNREADABLE = "\ufffd";

/** The names of a user event's own fields, which follow its name. */
function namesOfUser({ fields }: ComparedMessage): readonly string[] {
  const names = fields.map(([name]) => name);
  return names.slice(names.indexOf("UserEvent"));
}

function variablesToldByBoth(field: string, sent: ComparedMessage, made: ComparedMessage) {
  const variablesOf = ({ fields }: ComparedMessage) =>
    new Map(
      fields.flatMap(([name, value]) => (name === field ? [[value.split("=", 1)[0] ?? "", value]] : [])),
    );
  const ours = variablesOf(made);
  return [...variablesOf(sent)].flatMap(([name, value]) => (ours.has(name) ? [[value, ours.get(name)]] : []));
}

/** The names of the exceptions that explain a missing message, or every differing field of two messages. */
export function explain({ sent, made, differing }: Difference): string | undefined {
  if (sent === undefined || made === undefined)
    return EXCEPTIONS.find(({ explainsMessage }) =>
      explainsMessage?.({ ...(sent && { sent }), ...(made && { made }) }),
    )?.name;
  const reasons = differing.map(
    (field) => EXCEPTIONS.find(({ explainsField }) => explainsField?.(field, sent, made))?.name,
  );
  return reasons.includes(undefined) ? undefined : [...new Set(reasons)].join(" and ");
}

/** The name of the exception that explains why messages of these events have another order. */
export function explainOrder(names: readonly [string, string]): string | undefined {
  return EXCEPTIONS.find(({ explainsOrder }) => explainsOrder?.(names))?.name;
}
