import { type ComparedMessage, fieldOf } from "./compare.ts";

/** A place where the two sides differ. */
export interface Difference {
  /** What Asterisk sent; undefined when we made a message that it did not send. */
  readonly sent: ComparedMessage | undefined;
  readonly made: ComparedMessage | undefined;
  readonly differing: readonly string[];
}

interface Exception {
  readonly name: string;
  readonly why: string;
  explains(difference: Difference): boolean;
}

/** AMI events that conversion can make. Every other one has no ARI counterpart and needs the raw AMI source. */
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

/** What cannot be equal, and why. Each is as narrow as its reason. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    name: "no ARI event",
    why: "Asterisk publishes it to Manager alone; send it to the relay as raw AMI",
    explains: ({ sent, made }) => made === undefined && sent !== undefined && !CONVERTED.has(sent.name),
  },
  {
    name: "sent DTMF",
    why: "ARI tells only the digits that a channel receives (res/stasis/app.c)",
    explains: ({ sent, made }) =>
      made === undefined && sent?.name === "DTMFEnd" && fieldOf(sent, "Direction") === "Sent",
  },
  {
    name: "hidden channels",
    why: "Manager counts a bridge's internal channels (announcer, recorder), ARI does not list them",
    explains: ({ sent, made, differing }) =>
      sent !== undefined &&
      made !== undefined &&
      differing.length > 0 &&
      differing.every((field) => field.endsWith("BridgeNumChannels")) &&
      differing.every((field) => Number(fieldOf(sent, field)) > Number(fieldOf(made, field))),
  },
];

/** The name of the exception that explains a difference. */
export function explain(difference: Difference): string | undefined {
  return EXCEPTIONS.find((exception) => exception.explains(difference))?.name;
}
