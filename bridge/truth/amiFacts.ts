import { fieldList } from "../../shared/ami/amiParser.ts";
import { readAmiText } from "../../shared/ami/amiText.ts";
import { unescapeC } from "../../shared/ami/escape.ts";
import type { PbxObject } from "../source.ts";
import type { Change, Facts } from "./facts.ts";

/** Manager's events about a channel or a bridge begin and end them, or show them as they are. */
const CHANNEL_EVENTS: Readonly<Record<string, Change["kind"]>> = {
  Newchannel: "created",
  Newstate: "seen",
  NewCallerid: "seen",
  NewConnectedLine: "seen",
  Newexten: "seen",
  BridgeEnter: "seen",
  BridgeLeave: "seen",
  Hangup: "ended",
};
const BRIDGE_EVENTS: Readonly<Record<string, Change["kind"]>> = {
  BridgeCreate: "created",
  BridgeEnter: "seen",
  BridgeLeave: "seen",
  BridgeVideoSourceUpdate: "seen",
  BridgeDestroy: "ended",
};

/** What an AMI event says, in ARI's shapes. Asterisk: main/manager_channels.c and manager_bridges.c, the blocks. */
export function amiFacts(body: Buffer): Facts {
  const { text } = readAmiText(body.toString("latin1"));
  const fields = new Map<string, string>();
  for (const [name, value] of fieldList(text)) if (!fields.has(name)) fields.set(name, value);
  const event = fields.get("Event") ?? "";
  const channelKind = CHANNEL_EVENTS[event];
  const bridgeKind = BRIDGE_EVENTS[event];
  const device = event === "DeviceStateChange" ? fields.get("Device") : undefined;
  return {
    channels: channelKind === undefined ? [] : channelChange(fields, channelKind),
    bridges: bridgeKind === undefined ? [] : bridgeChange(fields, bridgeKind, event),
    endpoints: [],
    deviceStates: device === undefined ? [] : [{ name: device, state: fields.get("State") ?? "" }],
  };
}

type Fields = ReadonlyMap<string, string>;

function channelChange(fields: Fields, kind: Change["kind"]): Change[] {
  const id = fields.get("Uniqueid");
  return id ? [{ id, kind, object: channelOf(fields, id) }] : [];
}

function channelOf(fields: Fields, id: string): PbxObject {
  const linkedId = known(fields.get("Linkedid"));
  const tenantId = fields.get("Tenantid");
  return {
    id,
    name: fields.get("Channel") ?? "",
    state: fields.get("ChannelStateDesc") ?? "",
    caller: { name: unescapeC(known(fields.get("CallerIDName"))), number: known(fields.get("CallerIDNum")) },
    connected: {
      name: unescapeC(known(fields.get("ConnectedLineName"))),
      number: known(fields.get("ConnectedLineNum")),
    },
    accountcode: fields.get("AccountCode") ?? "",
    dialplan: {
      context: fields.get("Context") ?? "",
      exten: fields.get("Exten") ?? "",
      priority: Number(fields.get("Priority") ?? 0),
    },
    language: fields.get("Language") ?? "",
    ...(linkedId === "" ? {} : { channelvars: { "CHANNEL(linkedid)": linkedId } }),
    ...(tenantId ? { tenantid: tenantId } : {}),
  };
}

function bridgeChange(fields: Fields, kind: Change["kind"], event: string): Change[] {
  const id = fields.get("BridgeUniqueid");
  if (!id) return [];
  const channel = fields.get("Uniqueid");
  const member =
    channel && (event === "BridgeEnter" || event === "BridgeLeave")
      ? { member: { id: channel, isIn: event === "BridgeEnter" } }
      : {};
  return [{ id, kind, object: bridgeOf(fields, id), ...member }];
}

/** Without `channels`: Manager says only how many there are. */
function bridgeOf(fields: Fields, id: string): PbxObject {
  const bridgeType = fields.get("BridgeType") ?? "";
  return {
    id,
    technology: fields.get("BridgeTechnology") ?? "",
    bridge_class: bridgeType,
    creator: known(fields.get("BridgeCreator")),
    name: known(fields.get("BridgeName")),
    video_mode: fields.get("BridgeVideoSourceMode") ?? "none",
  };
}

function known(text: string | undefined): string {
  return text === undefined || text === "<unknown>" ? "" : text;
}
