import type { PbxObject, PbxState } from "../source.ts";
import { deviceKey, endpointKey, idOf } from "./facts.ts";
import type { Lookout, Seen } from "./lookout.ts";
import type { Objects } from "./picture.ts";

/** The state to report, and what ended without an event. */
export interface Reconciled {
  readonly channels: Objects;
  readonly bridges: Objects;
  readonly endpoints: readonly PbxObject[];
  readonly deviceStates: readonly PbxObject[];
  readonly endedChannels: readonly PbxObject[];
  readonly endedBridges: readonly PbxObject[];
}

interface Known {
  readonly channels: Objects;
  readonly bridges: Objects;
}

/** Joins what the events said, the answer of the PBX, and what happened between question and answer. */
export function reconcile(known: Known, state: PbxState, lookout: Lookout): Reconciled {
  const channels = joined(known.channels, byId(state.channels), lookout.channels);
  const bridges = joined(known.bridges, byId(state.bridges), lookout.bridges);
  return {
    channels: channels.alive,
    bridges: bridges.alive,
    endedChannels: channels.ended,
    endedBridges: bridges.ended,
    endpoints: newest(state.endpoints, lookout.endpoints, endpointKey),
    deviceStates: newest(state.deviceStates, lookout.deviceStates, deviceKey),
  };
}

function joined(known: Objects, reported: Objects, seen: Seen): { alive: Objects; ended: PbxObject[] } {
  const alive = new Map<string, PbxObject>();
  // Its end came after the PBX had answered. Ids are not used twice.
  for (const [id, object] of reported)
    if (!seen.ended.has(id)) alive.set(id, (seen.touched.has(id) && known.get(id)) || object);
  const ended: PbxObject[] = [];
  for (const [id, object] of known) {
    if (alive.has(id)) continue;
    // It may have begun after the PBX had answered. Anything older would be in the answer if it were alive.
    if (seen.created.has(id)) alive.set(id, object);
    else ended.push(object);
  }
  return { alive, ended };
}

function newest(
  reported: readonly PbxObject[],
  seen: ReadonlyMap<string, PbxObject>,
  keyOf: (object: PbxObject) => string,
): PbxObject[] {
  const all = new Map(reported.map((object) => [keyOf(object), object]));
  for (const [key, object] of seen) all.set(key, object);
  return [...all.values()];
}

/** How the events' picture differs from the PBX's state. */
export interface Drift {
  /** Alive in the PBX, and no event told of them. */
  readonly missing: readonly string[];
  /** Ended in the PBX, and no event told of it. */
  readonly ended: readonly string[];
  /** Channels in another state, bridges with other channels. */
  readonly changed: readonly string[];
}

/** Looks for drift. What changed while the PBX was asked is left out: the next look sees it. */
export function driftBetween(known: Known, state: PbxState, lookout: Lookout): Drift {
  const parts = [
    differences(known.channels, byId(state.channels), lookout.channels, isSameChannel),
    differences(known.bridges, byId(state.bridges), lookout.bridges, isSameBridge),
  ];
  return {
    missing: parts.flatMap(({ missing }) => missing),
    ended: parts.flatMap(({ ended }) => ended),
    changed: parts.flatMap(({ changed }) => changed),
  };
}

/** What both looks found. A single one may be wrong by events that are still under way. */
export function confirmed(first: Drift, second: Drift): Drift {
  const both = (a: readonly string[], b: readonly string[]) => a.filter((id) => b.includes(id));
  return {
    missing: both(first.missing, second.missing),
    ended: both(first.ended, second.ended),
    changed: both(first.changed, second.changed),
  };
}

export function isNone({ missing, ended, changed }: Drift): boolean {
  return missing.length + ended.length + changed.length === 0;
}

function differences(
  known: Objects,
  reported: Objects,
  { touched }: Seen,
  isSame: (known: PbxObject, reported: PbxObject) => boolean,
): Drift {
  const untouched = (objects: Objects) => [...objects.keys()].filter((id) => !touched.has(id));
  return {
    missing: untouched(reported).filter((id) => !known.has(id)),
    ended: untouched(known).filter((id) => !reported.has(id)),
    changed: untouched(reported).filter((id) => {
      const [before, now] = [known.get(id), reported.get(id)];
      return before !== undefined && now !== undefined && !isSame(before, now);
    }),
  };
}

/** Other fields, such as the place in the dialplan, change too often to be compared. */
function isSameChannel(known: PbxObject, reported: PbxObject): boolean {
  return known.state === reported.state;
}

function isSameBridge(known: PbxObject, reported: PbxObject): boolean {
  const [before, now] = [new Set(channelsOf(known)), new Set(channelsOf(reported))];
  return before.size === now.size && [...before].every((id) => now.has(id));
}

function channelsOf(bridge: PbxObject): readonly unknown[] {
  return Array.isArray(bridge.channels) ? bridge.channels : [];
}

function byId(objects: readonly PbxObject[]): Objects {
  return new Map(
    objects.flatMap((object) => {
      const id = idOf(object);
      return id === undefined ? [] : [[id, object] as const];
    }),
  );
}
