import { stringIn } from "../../shared/ami/json.ts";
import type { PbxObject } from "../source.ts";

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
