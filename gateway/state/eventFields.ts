import type { AmiMessage } from "../../shared/ami/amiMessage.ts";
import { fieldList } from "../../shared/ami/amiParser.ts";
import type { StateField } from "./trackedState.ts";

/** An event's headers, as bytes, one character for each. */
export class EventFields {
  readonly list: readonly StateField[];

  constructor({ text, raw }: Pick<AmiMessage, "text" | "raw">) {
    // A copy: what is kept of it would otherwise keep the whole page in memory.
    const bytes = Buffer.from(raw?.latin1 ?? text, raw === undefined ? "utf8" : "latin1");
    this.list = [...fieldList(bytes.toString("latin1"))];
  }

  /** The first value; empty when there is none. */
  get(name: string): string {
    return this.list.find(([field]) => field === name)?.[1] ?? "";
  }

  number(name: string): number {
    const value = Number(this.get(name));
    return Number.isFinite(value) ? value : 0;
  }

  isYes(name: string): boolean {
    return this.get(name).toLowerCase() === "yes";
  }

  /** The fields with these names, in the event's order. */
  only(names: ReadonlySet<string>): StateField[] {
    return this.list.filter(([name]) => names.has(name));
  }

  /** The fields after the first one of this name. */
  after(name: string): StateField[] {
    const at = this.list.findIndex(([field]) => field === name);
    return at < 0 ? [] : this.list.slice(at + 1);
  }
}

export function asBytes(text: string): string {
  return /[^\0-\x7f]/.test(text) ? Buffer.from(text).toString("latin1") : text;
}

/** Asterisk: main/manager_channels.c, `ast_manager_build_channel_state_string_prefix`. */
export const CHANNEL_BLOCK: ReadonlySet<string> = new Set([
  "Channel",
  "ChannelState",
  "ChannelStateDesc",
  "CallerIDNum",
  "CallerIDName",
  "ConnectedLineNum",
  "ConnectedLineName",
  "Language",
  "AccountCode",
  "Context",
  "Exten",
  "Priority",
  "Uniqueid",
  "Linkedid",
  "Tenantid",
  "ChanVariable",
]);

/** Asterisk: main/manager_bridges.c, `ast_manager_build_bridge_state_string_prefix`. */
export const BRIDGE_BLOCK: ReadonlySet<string> = new Set([
  "BridgeUniqueid",
  "BridgeType",
  "BridgeTechnology",
  "BridgeCreator",
  "BridgeName",
  "BridgeNumChannels",
  "BridgeVideoSourceMode",
  "BridgeVideoSource",
]);
