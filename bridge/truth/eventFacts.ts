import { type JsonObject, objectIn, stringIn } from "../../shared/ami/json.ts";
import type { SourceEvent } from "../source.ts";
import { amiFacts } from "./amiFacts.ts";
import { type Change, type Facts, idOf, NO_FACTS } from "./facts.ts";

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
