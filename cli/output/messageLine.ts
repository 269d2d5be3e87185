import { type Gap, gapOf } from "../../client/chain.ts";
import type { Message } from "../../client/types.ts";
import { paint, type Style } from "./paint.ts";
import { plain, plainLines } from "./plain.ts";
import { shortened, widthOf } from "./width.ts";

/** What a message is about, by the words in its type: the first that fits gives the colour. */
const STYLES: readonly (readonly [RegExp, Style])[] = [
  [/^Relay/, ["bold", "magenta"]],
  [/Hangup|Destroyed|StasisEnd|ContactStatus.*Removed/, "red"],
  [/^(ChannelCreated|Newchannel|StasisStart|BridgeCreate)/, "green"],
  [/^(Dial|Newstate|ChannelStateChange|ChannelTransfer|.*Transfer)/, "yellow"],
  [/Bridge/, "blue"],
  [/VarSet|Varset|Newexten|Dialplan/, "dim"],
];

/** A message as one line: number, time, type, and what it is about. */
export function messageLine(message: Message, columns: number | undefined): string {
  const number = String(message.sequence).padStart(6);
  const time = plain(timeOf(message.timestamp));
  const type = plain(message.type).padEnd(20);
  const about = plain(aboutOf(message));
  const room = columns === undefined ? undefined : columns - widthOf(`${number}  ${time}  ${type}  `);
  const shown = room === undefined ? about : shortened(about, Math.max(0, room));
  const style = styleOf(message.type);
  return `${paint("dim", number)}  ${paint("dim", time)}  ${style === undefined ? type : paint(style, type)}  ${shown}`.trimEnd();
}

/** A message with all that it has. */
export function wholeMessage(message: Message): string {
  const style = styleOf(message.type) ?? "bold";
  const head = `${paint("dim", `${message.sequence}  ${plain(message.timestamp)}`)}  ${paint(style, plain(message.type))}`;
  const body = "event" in message ? JSON.stringify(message.event, null, 2) : message.text.trimEnd();
  return `${head}\n${plainLines(body)}\n`;
}

function styleOf(type: string): Style | undefined {
  return STYLES.find(([pattern]) => pattern.test(type))?.[1];
}

/** The clock on the PBX's wall, to the millisecond. Asterisk's times begin with the date, as ISO 8601 has it. */
function timeOf(timestamp: string): string {
  const [, clock] = /T(\d\d:\d\d:\d\d(?:\.\d{1,3})?)/.exec(timestamp) ?? [];
  return clock ?? timestamp.slice(0, 12);
}

function aboutOf(message: Message): string {
  const gap = gapOf(message);
  if (gap !== undefined) return gapText(gap);
  return "event" in message ? aboutEvent(message.event) : aboutFields(message.fields);
}

function gapText({ reason, first, last, producer, from, to }: Gap): string {
  const what =
    first === undefined
      ? from === undefined
        ? "messages"
        : `what happened from ${from} to ${to ?? "now"}`
      : `${producer === undefined ? "" : `${producer}'s positions `}${first} to ${last}`;
  return `${what} may be missing (${reason})`;
}

type Fields = Readonly<Record<string, unknown>>;

function aboutEvent(event: Fields): string {
  const channel = fieldsIn(event, "channel") ?? fieldsIn(event, "peer") ?? fieldsIn(event, "replace_channel");
  const bridge = fieldsIn(event, "bridge");
  const device = fieldsIn(event, "device_state");
  const endpoint = fieldsIn(event, "endpoint");
  const caller = textIn(fieldsIn(channel, "caller"), "number");
  const extension = textIn(fieldsIn(channel, "dialplan"), "exten");
  // What makes this message differ from others of the channel comes first: a narrow terminal shows it.
  return [
    textIn(event, "eventname"),
    textIn(event, "variable") && `${textIn(event, "variable")}=${textIn(event, "value")}`,
    textIn(event, "digit") && `digit ${textIn(event, "digit")}`,
    textIn(event, "dialplan_app") &&
      `${textIn(event, "dialplan_app")}(${textIn(event, "dialplan_app_data")})`,
    textIn(event, "dialstatus"),
    textIn(event, "cause_txt"),
    textIn(event, "item"),
    bridge && `bridge ${textIn(bridge, "name") || textIn(bridge, "id").slice(0, 8)}`,
    device && `${textIn(device, "name")} ${textIn(device, "state")}`,
    endpoint &&
      `${textIn(endpoint, "technology")}/${textIn(endpoint, "resource")} ${textIn(endpoint, "state")}`,
    textIn(channel, "name"),
    caller && extension ? `${caller} → ${extension}` : caller,
    textIn(channel, "state"),
  ]
    .filter(Boolean)
    .join("  ");
}

/** Fields that say who and what, in the order of their weight. */
const AMI_FIELDS = [
  "UserEvent",
  "Variable",
  "Value",
  "Digit",
  "Application",
  "AppData",
  "DialStatus",
  "Cause-txt",
  "Channel",
  "CallerIDNum",
  "Exten",
  "ChannelStateDesc",
  "DestChannel",
  "Bridge",
  "BridgeUniqueid",
  "Device",
  "State",
  "Peer",
  "PeerStatus",
  "Queue",
  "Interface",
  "Conference",
] as const;

function aboutFields(fields: Readonly<Record<string, string | readonly string[]>>): string {
  return AMI_FIELDS.flatMap((name) => {
    const value = [fields[name] ?? ""].flat().join(",");
    return value === "" ? [] : [`${name}=${value}`];
  }).join("  ");
}

function fieldsIn(fields: Fields | undefined, name: string): Fields | undefined {
  const value = fields?.[name];
  return typeof value === "object" && value !== null ? { ...value } : undefined;
}

function textIn(fields: Fields | undefined, name: string): string {
  const value = fields?.[name];
  return typeof value === "string" ? value : "";
}
