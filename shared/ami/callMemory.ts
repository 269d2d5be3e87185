import { type JsonObject, listIn, objectIn, textIn } from "./json.ts";
import { toldLinkedId } from "./snapshots.ts";

/**
 * What later events of a feed need from earlier ones to be converted. It is stored with every page, so whoever
 * appends next has it, also after a restart or in another process (like the producers' positions).
 */
export interface CallMemoryState {
  /** Channels destroyed last, oldest first. */
  readonly destroyed: readonly string[];
  /** Linked ids of live channels that differ from their own id, oldest first. Empty when Asterisk tells them itself. */
  readonly linkedIds: readonly (readonly [channel: string, linkedId: string])[];
  /** First halves of Local channels created last, by their name without `;1`. */
  readonly localHalves: readonly (readonly [name: string, channel: string])[];
}

export const EMPTY_CALL_MEMORY: CallMemoryState = { destroyed: [], linkedIds: [], localHalves: [] };

/** ARI sends the last ChannelDialplan of a channel right behind its ChannelDestroyed; other channels come between. */
const DESTROYED_KEPT = 16;

/** The second half is created within a few events of the first. */
const LOCAL_HALVES_KEPT = 16;

/** Live channels linked to another one. At some 40 bytes each this bounds what a page pays, before compression. */
const LINKED_IDS_KEPT = 300;

/** Longer ids and names are not remembered: a page's item has no more room. Asterisk's own have some 25 characters. */
const LONGEST_ID = 64;
const LONGEST_NAME = 100;

/**
 * Remembers while a run of events is converted. Linked ids follow Asterisk's rules as far as ARI shows their causes:
 * a new channel is linked to itself; the second half of a Local channel to its first (main/core_unreal.c,
 * `ast_unreal_new_channels`); a dialled channel to its caller; and all channels of a bridge to the oldest among them
 * (main/bridge_channel.c, `ast_bridge_channel_update_linkedids`).
 */
export class CallMemory {
  readonly #destroyed: Set<string>;
  readonly #linkedIds: Map<string, string>;
  readonly #localHalves: Map<string, string>;

  constructor(state: CallMemoryState) {
    this.#destroyed = new Set(state.destroyed);
    this.#linkedIds = new Map(state.linkedIds);
    this.#localHalves = new Map(state.localHalves);
  }

  state(): CallMemoryState {
    return {
      destroyed: [...this.#destroyed],
      linkedIds: [...this.#linkedIds],
      localHalves: [...this.#localHalves],
    };
  }

  isDestroyed(channel: JsonObject | undefined): boolean {
    return this.#destroyed.has(textIn(channel, "id") ?? "");
  }

  linkedIdOf(channel: JsonObject): string {
    const id = textIn(channel, "id") ?? "";
    return toldLinkedId(channel) ?? this.#linkedIds.get(id) ?? id;
  }

  /** Learns what an event says before it is converted. */
  learn(type: string, event: JsonObject): void {
    const channel = objectIn(event, "channel");
    switch (type) {
      case "ChannelCreated":
        if (channel) this.#learnCreated(channel);
        break;
      case "Dial":
        this.#learnDial(objectIn(event, "caller"), objectIn(event, "peer"));
        break;
      case "ChannelEnteredBridge":
        if (channel) this.#learnBridge(objectIn(event, "bridge"), channel);
        break;
    }
  }

  /** Learns what an event ends, after it was converted. */
  forget(type: string, event: JsonObject): void {
    const id = textIn(objectIn(event, "channel"), "id");
    if (type !== "ChannelDestroyed" || id === undefined || id.length > LONGEST_ID) return;
    this.#linkedIds.delete(id);
    this.#destroyed.delete(id);
    this.#destroyed.add(id);
    dropOldest(this.#destroyed, DESTROYED_KEPT);
  }

  #learnCreated(channel: JsonObject): void {
    const id = textIn(channel, "id") ?? "";
    this.#destroyed.delete(id);
    if (toldLinkedId(channel) !== undefined) return;
    const [, name = "", half] = /^(Local\/.+);([12])$/s.exec(textIn(channel, "name") ?? "") ?? [];
    if (half === "1" && name.length <= LONGEST_NAME && id.length <= LONGEST_ID) {
      this.#localHalves.set(name, id);
      dropOldest(this.#localHalves, LOCAL_HALVES_KEPT);
    } else if (half === "2") {
      const first = this.#localHalves.get(name);
      if (first !== undefined) this.#link(id, this.#linkedIds.get(first) ?? first);
      this.#localHalves.delete(name);
    }
  }

  #learnDial(caller: JsonObject | undefined, peer: JsonObject | undefined): void {
    if (caller === undefined || peer === undefined || toldLinkedId(peer) !== undefined) return;
    const id = textIn(peer, "id") ?? "";
    const before = this.#linkedIds.get(id) ?? id;
    const linkedId = this.linkedIdOf(caller);
    // The peer had its caller's linked id from its beginning, and so had what was linked to it meanwhile.
    for (const [other, linked] of this.#linkedIds)
      if (linked === before) this.#linkedIds.set(other, linkedId);
    this.#link(id, linkedId);
  }

  #learnBridge(bridge: JsonObject | undefined, channel: JsonObject): void {
    if (toldLinkedId(channel) !== undefined) return;
    const members = listIn(bridge, "channels").filter((id) => typeof id === "string");
    const linked = [textIn(channel, "id") ?? "", ...members].map(
      (id) => [id, this.#linkedIds.get(id) ?? id] as const,
    );
    const oldest = linked.map(([, linkedId]) => linkedId).reduce(older);
    for (const [id] of linked) this.#link(id, oldest);
  }

  #link(id: string, linkedId: string): void {
    if (id === "" || id.length > LONGEST_ID || linkedId.length > LONGEST_ID) return;
    if (id === linkedId) this.#linkedIds.delete(id);
    else {
      this.#linkedIds.delete(id);
      this.#linkedIds.set(id, linkedId);
      dropOldest(this.#linkedIds, LINKED_IDS_KEPT);
    }
  }
}

/** Ids are `[system-]<seconds>.<count>`; of ids that are not, the first one stays. */
function older(a: string, b: string): string {
  const [first, second] = [ageOf(a), ageOf(b)];
  if (first === undefined || second === undefined) return a;
  return second.seconds < first.seconds || (second.seconds === first.seconds && second.count < first.count)
    ? b
    : a;
}

function ageOf(id: string): { seconds: number; count: number } | undefined {
  const [, seconds, count] = /(?:^|-)(\d{1,15})\.(\d{1,15})$/.exec(id) ?? [];
  return seconds === undefined || count === undefined
    ? undefined
    : { seconds: Number(seconds), count: Number(count) };
}

function dropOldest(kept: Set<string> | Map<string, string>, most: number): void {
  const oldest = kept.keys().next();
  if (kept.size > most && !oldest.done) kept.delete(oldest.value);
}
