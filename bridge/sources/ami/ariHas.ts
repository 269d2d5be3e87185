import { AmiFields } from "./amiBlock.ts";

/**
 * Events of Manager that ARI has too, all of them: what the relay makes of an ARI event (shared/ami/convert.ts). A feed
 * with both sources takes these from ARI, and the rest from Manager: queues, agents, conferences, parking, CDR.
 */
export const ARI_HAS: readonly string[] = [
  "AttendedTransfer",
  "BlindTransfer",
  "BridgeCreate",
  "BridgeDestroy",
  "BridgeEnter",
  "BridgeLeave",
  "BridgeMerge",
  "BridgeVideoSourceUpdate",
  "ChannelTalkingStart",
  "ChannelTalkingStop",
  "ContactStatus",
  "DeviceStateChange",
  "DialBegin",
  "DialEnd",
  "DialState",
  "Hangup",
  "HangupRequest",
  "Hold",
  "NewCallerid",
  "NewConnectedLine",
  "Newchannel",
  "Newexten",
  "Newstate",
  "PeerStatus",
  "SoftHangupRequest",
  "Unhold",
  "VarSet",
];
const ARI_HAS_ALL_OF = new Set(ARI_HAS);

/** Of these, ARI has only some: DTMF that was received, and user events of the dialplan (not the action UserEvent). */
const ARI_HAS_SOME_OF: Readonly<Record<string, (fields: AmiFields) => boolean>> = {
  DTMFEnd: (fields) => fields.get("Direction") === "Received",
  UserEvent: (fields) => fields.get("Uniqueid") !== "" || fields.get("BridgeUniqueid") !== "",
};

/** Whether ARI sends the same event. */
export function ariHas(event: Buffer): boolean {
  const lineEnd = event.indexOf("\r\n");
  const name = event
    .subarray("Event:".length, lineEnd < 0 ? undefined : lineEnd)
    .toString("latin1")
    .trim();
  return ARI_HAS_ALL_OF.has(name) || (ARI_HAS_SOME_OF[name]?.(new AmiFields(event)) ?? false);
}

/**
 * The filter that makes Manager leave these events out. It is a legacy one, a regular expression over the whole text,
 * which every version knows; the text begins with the event's line (main/manager.c, `should_send_event`).
 */
export const ARI_HAS_FILTER = `!^Event: (${ARI_HAS.join("|")})[^A-Za-z]`;
