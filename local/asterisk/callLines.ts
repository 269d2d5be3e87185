import type { StasisMessage } from "../../client/index.ts";
import { shown } from "../live/text.ts";

/** One line about a message that somebody who watches a PBX wants to see; undefined for all others. */
export function callLine({ type, timestamp, event }: StasisMessage): string | undefined {
  const text = describe(type, event);
  return text === undefined ? undefined : `${timestamp.slice(11, 19)} ${text}`;
}

type Fields = Readonly<Record<string, unknown>>;

function describe(type: string, event: Fields): string | undefined {
  const channel = fieldsIn(event, "channel");
  const name = textIn(channel, "name");
  switch (type) {
    case "ChannelCreated":
      return `new call    ${name}  ${textIn(fieldsIn(channel, "caller"), "number") || "unknown"} → ${textIn(fieldsIn(channel, "dialplan"), "exten") || "?"}`;
    case "ChannelStateChange":
      return textIn(channel, "state") === "Up" ? `answered    ${name}` : undefined;
    case "ChannelDestroyed":
      return `ended       ${name}  ${textIn(event, "cause_txt")}${event.relay === undefined ? "" : "  (nobody saw it)"}`;
    case "RelayGap":
      return `GAP         ${textIn(event, "reason")}: events from ${textIn(event, "from")} to ${textIn(event, "to")} may be missing`;
    case "RelaySnapshot":
      return textIn(event, "item") === "end"
        ? `snapshot    ${countsIn(fieldsIn(event, "counts"))}`
        : undefined;
    default:
      return undefined;
  }
}

function countsIn(counts: Fields): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${String(count)}`)
    .join(", ");
}

function fieldsIn(fields: Fields, name: string): Fields {
  const value = fields[name];
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function textIn(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? shown(value) : "";
}
