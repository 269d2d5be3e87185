import type { AmiField } from "./amiMessage.ts";
import type { ChannelBlock, Conversion, Convert } from "./conversion.ts";
import { type JsonObject, objectIn, textIn } from "./json.ts";
import { bridgeFields } from "./snapshots.ts";

/**
 * The relay's own messages in AMI form. They are events with names of their own, like Manager's FullyBooted: every client
 * library ignores an event that it does not know. They are not UserEvents, because the dialplan can send any UserEvent,
 * and programs take those for their own.
 */

/** Facts whose names Manager uses itself, or which the message has already. */
const RESERVED = new Set(["event", "privilege", "type", "timestamp"]);
const FACT_NAME = /^[A-Za-z][A-Za-z0-9]{0,63}$/;

/** The facts of a gap as fields: each name begins with a capital. Facts that are not plain values are left out. */
export function gapFields(gap: JsonObject): AmiField[] {
  return Object.entries(gap).flatMap(([name, value]) => {
    if (RESERVED.has(name.toLowerCase()) || !FACT_NAME.test(name)) return [];
    if (typeof value !== "string" && typeof value !== "number" && value !== null) return [];
    return [[name.charAt(0).toUpperCase() + name.slice(1), value === null ? "" : String(value)] as const];
  });
}

const gap: Convert = (event) => ({ name: "RelayGap", eventClass: "system", fields: gapFields(event) });

/**
 * An item has the block and the class that Manager's own events about the object have, so a read filter keeps from a
 * reader what it would keep from it in the events. The class of begin and end is `call`, as of most items.
 */
const snapshot: Convert = (event, channelBlock) => {
  const item = textIn(event, "item") ?? "";
  const own = itemFields(item, event, channelBlock);
  return {
    name: "RelaySnapshot",
    eventClass: item === "endpoint" ? "system" : "call",
    fields: [["Item", item], ["Snapshot", textIn(event, "snapshot") ?? ""], ...own],
  };
};

function itemFields(item: string, event: JsonObject, channelBlock: ChannelBlock): readonly AmiField[] {
  if (item === "channel") return channelBlock(objectIn(event, "channel")) ?? [];
  if (item === "bridge") return bridgeFields(objectIn(event, "bridge")) ?? [];
  if (item === "endpoint") return endpointFields(objectIn(event, "endpoint"));
  if (item === "deviceState") return deviceFields(objectIn(event, "device_state"));
  if (item === "begin") return beginFields(event);
  return countFields(objectIn(event, "counts"));
}

function endpointFields(endpoint: JsonObject | undefined): AmiField[] {
  const technology = textIn(endpoint, "technology") ?? "";
  return [
    ["ChannelType", technology],
    ["Peer", `${technology}/${textIn(endpoint, "resource") ?? ""}`],
    ["State", textIn(endpoint, "state") ?? ""],
  ];
}

function deviceFields(state: JsonObject | undefined): AmiField[] {
  return [
    ["Device", textIn(state, "name") ?? ""],
    ["State", textIn(state, "state") ?? ""],
  ];
}

function beginFields(event: JsonObject): AmiField[] {
  const pbx = objectIn(event, "pbx");
  return [
    ["Reason", textIn(event, "reason") ?? ""],
    ["Gap", textIn(event, "gap") ?? ""],
    ["Epoch", textIn(event, "epoch") ?? ""],
    ["AsteriskVersion", textIn(pbx, "version") ?? ""],
    ["SystemName", textIn(pbx, "systemName") ?? ""],
    ["EntityId", textIn(pbx, "entityId") ?? ""],
  ];
}

function countFields(counts: JsonObject | undefined): AmiField[] {
  return ["channels", "bridges", "endpoints", "deviceStates"].map((name) => [
    name.charAt(0).toUpperCase() + name.slice(1),
    textIn(counts, name) ?? "0",
  ]);
}

export const relayConversions: readonly (readonly [string, Convert])[] = [
  ["RelayGap", gap],
  ["RelaySnapshot", snapshot],
];

/** Marks the AMI form of an end that nobody saw: the bridge inferred it from a snapshot. */
export function withInference(conversion: Conversion, event: JsonObject): Conversion {
  const relay = objectIn(event, "relay");
  if (relay?.inferred !== true) return conversion;
  return { ...conversion, fields: [...conversion.fields, ["RelayInferred", textIn(relay, "gap") ?? ""]] };
}
