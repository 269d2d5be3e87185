import { type JsonObject, objectIn, stringIn } from "../../shared/ami/json.ts";
import type { PbxObject, SourceEvent } from "../source.ts";
import { amiFacts } from "./amiFacts.ts";

/** What one event says about the objects of a PBX, each in ARI's shape. */
export interface Facts {
  readonly channels: readonly Change[];
  readonly bridges: readonly Change[];
  readonly endpoints: readonly PbxObject[];
  readonly deviceStates: readonly PbxObject[];
}

export interface Change {
  readonly id: string;
  readonly kind: "created" | "seen" | "ended";
  readonly object: PbxObject;
  /** The channel that entered or left the bridge, where the object has no list of its channels. */
  readonly member?: { readonly id: string; readonly isIn: boolean };
}

export const NO_FACTS: Facts = { channels: [], bridges: [], endpoints: [], deviceStates: [] };

/** What the event says; nothing when it cannot be read, because then the relay refuses it too. */
export function factsOf({ format, body }: Pick<SourceEvent, "format" | "body">): Facts {
  if (format === "ami") return amiFacts(body);
  let event: unknown;
  try {
    event = JSON.parse(body.toString("utf8"));
  } catch {
    return NO_FACTS;
  }
  const parsed = objectIn({ event }, "event");
  return parsed === undefined ? NO_FACTS : stasisFacts(parsed);
}

/**
 * Asterisk publishes these from threads of their own. They may overtake other messages of the same objects, and a transfer
 * shows its bridges as they were when it began. Everything in them also comes in another event.
 */
const OUT_OF_ORDER = new Set([
  "BridgeMerged",
  "BridgeBlindTransfer",
  "BridgeAttendedTransfer",
  "StasisStart",
  "StasisEnd",
]);

/** The bridge's own messages repeat what is known already. */
const OWN = new Set(["RelayGap", "RelaySnapshot"]);

function stasisFacts(event: JsonObject): Facts {
  const type = stringIn(event, "type") ?? "";
  if (OUT_OF_ORDER.has(type) || OWN.has(type)) return NO_FACTS;
  const endpoint = objectIn(event, "endpoint");
  const deviceState = objectIn(event, "device_state");
  return {
    channels: changeOf(type, objectIn(event, "channel"), "ChannelCreated", "ChannelDestroyed"),
    bridges: changeOf(type, objectIn(event, "bridge"), "BridgeCreated", "BridgeDestroyed"),
    endpoints: endpoint === undefined ? [] : [endpoint],
    deviceStates: deviceState === undefined ? [] : [deviceState],
  };
}

function changeOf(type: string, object: JsonObject | undefined, created: string, ended: string): Change[] {
  const id = idOf(object);
  if (object === undefined || id === undefined) return [];
  return [{ id, kind: type === created ? "created" : type === ended ? "ended" : "seen", object }];
}

/** Longer texts are not ids. */
const MAX_ID_CHARACTERS = 500;

/** A channel's or bridge's id. */
export function idOf(object: PbxObject | undefined): string | undefined {
  const id = stringIn(object, "id");
  return id !== undefined && id !== "" && id.length <= MAX_ID_CHARACTERS ? id : undefined;
}

/** What tells one endpoint from another. */
export function endpointKey(endpoint: PbxObject): string {
  return `${stringIn(endpoint, "technology") ?? ""}/${stringIn(endpoint, "resource") ?? ""}`;
}

export function deviceKey(state: PbxObject): string {
  return stringIn(state, "name") ?? "";
}
