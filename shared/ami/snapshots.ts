import type { AmiField } from "./amiMessage.ts";
import { escapeC } from "./escape.ts";
import { type JsonObject, listIn, objectIn, textIn } from "./json.ts";

/** The ARI channel variable with a channel's linked id (ari.conf: `channelvars=CHANNEL(linkedid)`). */
const LINKED_ID_VARIABLE = "CHANNEL(linkedid)";

/** `enum ast_channel_state`, in order. Asterisk: include/asterisk/channelstate.h, main/channel.c `ast_state2str`. */
const CHANNEL_STATES = [
  "Down",
  "Rsrvd",
  "OffHook",
  "Dialing",
  "Ring",
  "Ringing",
  "Up",
  "Busy",
  "Dialing Offhook",
  "Pre-ring",
];

/** A flag above the states, with its own name. */
const MUTE = { name: "Mute", number: String(1 << 16) };

/**
 * The fields of a channel, each name with `prefix`. Undefined when there is no channel.
 * Asterisk: main/manager_channels.c, `ast_manager_build_channel_state_string_prefix`.
 * @param linkedId the channel's linked id, as far as it is known
 */
export function channelFields(
  channel: JsonObject | undefined,
  linkedId: (channel: JsonObject) => string,
  prefix = "",
): AmiField[] | undefined {
  if (channel === undefined) return undefined;
  const caller = objectIn(channel, "caller");
  const connected = objectIn(channel, "connected");
  const dialplan = objectIn(channel, "dialplan");
  const state = textIn(channel, "state") ?? "";
  const fields: AmiField[] = [
    [`${prefix}Channel`, textIn(channel, "name") ?? ""],
    [`${prefix}ChannelState`, stateNumber(state)],
    [`${prefix}ChannelStateDesc`, state],
    [`${prefix}CallerIDNum`, known(textIn(caller, "number"))],
    [`${prefix}CallerIDName`, known(escapeC(textIn(caller, "name") ?? ""))],
    [`${prefix}ConnectedLineNum`, known(textIn(connected, "number"))],
    [`${prefix}ConnectedLineName`, known(escapeC(textIn(connected, "name") ?? ""))],
    [`${prefix}Language`, textIn(channel, "language") ?? ""],
    [`${prefix}AccountCode`, textIn(channel, "accountcode") ?? ""],
    [`${prefix}Context`, textIn(dialplan, "context") ?? ""],
    [`${prefix}Exten`, textIn(dialplan, "exten") ?? ""],
    [`${prefix}Priority`, textIn(dialplan, "priority") ?? "-1"],
    [`${prefix}Uniqueid`, textIn(channel, "id") ?? ""],
    [`${prefix}Linkedid`, linkedId(channel)],
  ];
  const tenantId = textIn(channel, "tenantid");
  if (tenantId) fields.push([`${prefix}Tenantid`, tenantId]);
  const variables = objectIn(channel, "channelvars") ?? {};
  for (const name of Object.keys(variables))
    if (name !== LINKED_ID_VARIABLE)
      fields.push([`${prefix}ChanVariable`, `${name}=${escapeC(textIn(variables, name) ?? "")}`]);
  return fields;
}

/** The linked id in the event itself; undefined when Asterisk is not configured to send it. */
export function toldLinkedId(channel: JsonObject): string | undefined {
  return textIn(objectIn(channel, "channelvars"), LINKED_ID_VARIABLE) || undefined;
}

/**
 * The fields of a bridge, each name with `prefix`. Undefined when there is no bridge.
 * Asterisk: main/manager_bridges.c, `ast_manager_build_bridge_state_string_prefix`.
 */
export function bridgeFields(bridge: JsonObject | undefined, prefix = ""): AmiField[] | undefined {
  if (bridge === undefined) return undefined;
  const videoMode = textIn(bridge, "video_mode") || "none";
  const fields: AmiField[] = [
    [`${prefix}BridgeUniqueid`, textIn(bridge, "id") ?? ""],
    [`${prefix}BridgeType`, textIn(bridge, "bridge_class") ?? ""],
    [`${prefix}BridgeTechnology`, textIn(bridge, "technology") ?? ""],
    [`${prefix}BridgeCreator`, known(textIn(bridge, "creator"))],
    [`${prefix}BridgeName`, known(textIn(bridge, "name"))],
    [`${prefix}BridgeNumChannels`, String(listIn(bridge, "channels").length)],
    [`${prefix}BridgeVideoSourceMode`, videoMode],
  ];
  const videoSource = textIn(bridge, "video_source_id");
  if (videoMode !== "none" && videoSource) fields.push([`${prefix}BridgeVideoSource`, videoSource]);
  return fields;
}

function known(text: string | undefined): string {
  return text || "<unknown>";
}

/** ARI sends a state's name. A state without a name is called `Unknown (n)`. */
function stateNumber(state: string): string {
  if (state === MUTE.name) return MUTE.number;
  const number = CHANNEL_STATES.indexOf(state);
  return number >= 0 ? String(number) : (/^Unknown \((\d+)\)$/.exec(state)?.[1] ?? "0");
}
