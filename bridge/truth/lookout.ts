import type { PbxObject } from "../source.ts";
import { type Change, deviceKey, endpointKey, type Facts } from "./facts.ts";

/**
 * What the events say while the PBX is asked for its state. The answer was true at some time between the question and
 * the reply, and nobody knows when: for whatever changed meanwhile, the events decide.
 */
export class Lookout {
  readonly channels = new Seen();
  readonly bridges = new Seen();
  readonly endpoints = new Map<string, PbxObject>();
  readonly deviceStates = new Map<string, PbxObject>();

  apply(facts: Facts): void {
    for (const change of facts.channels) this.channels.add(change);
    for (const change of facts.bridges) this.bridges.add(change);
    for (const endpoint of facts.endpoints) this.endpoints.set(endpointKey(endpoint), endpoint);
    for (const state of facts.deviceStates) this.deviceStates.set(deviceKey(state), state);
  }
}

/** The objects of one kind that events were about. */
export class Seen {
  readonly created = new Set<string>();
  readonly touched = new Set<string>();
  readonly ended = new Set<string>();

  add({ id, kind }: Change): void {
    this.touched.add(id);
    if (kind === "created") this.created.add(id);
    if (kind === "ended") this.ended.add(id);
  }
}
