import { unescapeC } from "../../../shared/ami/escape.ts";
import type { PbxObject } from "../../source.ts";
import type { AmiFields } from "./amiBlock.ts";

/** Manager writes this for an empty name or number. */
const UNKNOWN = "<unknown>";

function known(text: string): string {
  return text === UNKNOWN ? "" : text;
}

/**
 * A CoreShowChannel event as ARI's Channel. The creation time is the duration's, so it can be a second off.
 * Asterisk: main/manager.c, `action_coreshowchannels`; rest-api/api-docs/channels.json.
 */
export function channelOf(fields: AmiFields, nowEpochMillis: number): PbxObject {
  const person = (kind: "CallerID" | "ConnectedLine") => ({
    name: unescapeC(known(fields.get(`${kind}Name`))),
    number: known(fields.get(`${kind}Num`)),
  });
  const duration = /^(\d+):(\d\d):(\d\d)$/.exec(fields.get("Duration"))?.slice(1).map(Number);
  const [hours = 0, minutes = 0, seconds = 0] = duration ?? [];
  const ageMillis = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  const variables = fields.all("ChanVariable").map((line): [string, string] => {
    const equals = line.indexOf("=");
    return [line.slice(0, equals), unescapeC(line.slice(equals + 1))];
  });
  return {
    id: fields.get("Uniqueid"),
    name: fields.get("Channel"),
    state: fields.get("ChannelStateDesc"),
    protocol_id: "",
    caller: person("CallerID"),
    connected: person("ConnectedLine"),
    accountcode: fields.get("AccountCode"),
    dialplan: {
      context: fields.get("Context"),
      exten: fields.get("Exten"),
      priority: Number(fields.get("Priority")),
      app_name: fields.get("Application"),
      app_data: fields.get("ApplicationData"),
    },
    ...(duration && { creationtime: new Date(nowEpochMillis - ageMillis).toISOString() }),
    language: fields.get("Language"),
    channelvars: { ...Object.fromEntries(variables), "CHANNEL(linkedid)": fields.get("Linkedid") },
  };
}

/** A BridgeListItem as ARI's Bridge. When it was created, Manager does not tell. Asterisk: main/manager_bridges.c. */
export function bridgeOf(fields: AmiFields, channels: readonly string[]): PbxObject {
  const technology = fields.get("BridgeTechnology");
  const source = fields.get("BridgeVideoSource");
  return {
    id: fields.get("BridgeUniqueid"),
    technology,
    bridge_type: technology === "holding_bridge" ? "holding" : "mixing",
    bridge_class: fields.get("BridgeType"),
    creator: known(fields.get("BridgeCreator")),
    name: known(fields.get("BridgeName")),
    channels,
    video_mode: fields.get("BridgeVideoSourceMode"),
    ...(source !== "" && { video_source_id: source }),
  };
}

/** The device states of an endpoint that cannot be called (main/devicestate.c, `devstatestring`). */
const OFFLINE = new Set(["Unavailable", "Invalid"]);

/** An EndpointList event as ARI's Endpoint. Asterisk: res/res_pjsip/pjsip_configuration.c, `format_ami_endpoints`. */
export function endpointOf(fields: AmiFields): PbxObject {
  const state = fields.get("DeviceState");
  return {
    technology: "PJSIP",
    resource: fields.get("ObjectName"),
    state: state === "" || state === "Unknown" ? "unknown" : OFFLINE.has(state) ? "offline" : "online",
    channel_ids: [],
  };
}

/** An item of DeviceStateList as ARI's DeviceState. */
export function deviceStateOf(fields: AmiFields): PbxObject {
  return { name: fields.get("Device"), state: fields.get("State") };
}
