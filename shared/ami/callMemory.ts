import { type JsonObject, listIn, objectIn, textIn } from "./json.ts";
import { toldLinkedId } from "./snapshots.ts";

/**
 * The facts from earlier events that are needed to convert later events. Every page stores them, as it stores the
 * producers' positions, so the next writer has them even after a restart or in another process.
 */
export interface CallMemoryState {
  /** Recently destroyed channels, oldest first. */
  readonly destroyed: readonly string[];
  /** Linked ids of live channels that differ from the channel's id, oldest first. Empty when Asterisk sends them. */
  readonly linkedIds: readonly (readonly [channel: string, linkedId: string])[];
  /** First halves of recently created Local channels, by their name without `;1`. */
  readonly localHalves: readonly (readonly [name: string, channel: string])[];
}

export const EMPTY_CALL_MEMORY: CallMemoryState = { destroyed: [], linkedIds: [], localHalves: [] };

/** ARI sends a channel's last ChannelDialplan right after its ChannelDestroyed. Events of other channels come between. */
const DESTROYED_KEPT = 16;

/** The second half is created within a few events of the first. */
const LOCAL_HALVES_KEPT = 16;

/** Live channels linked to another one. At about 40 bytes each, this bounds the cost per page before compression. */
const LINKED_IDS_KEPT = 300;

/** Longer ids and names are not remembered: a page's item has no more room. Asterisk's have about 25 characters. */
const LONGEST_ID = 64;
const LONGEST_NAME = 100;

/**
 * The memory while events are converted. Linked ids follow Asterisk's rules as far as ARI shows their causes:
 * - a new channel is linked to itself;
 * - the second half of a Local channel to the first half (main/core_unreal.c, `ast_unreal_new_channels`);
 * - a dialled channel to its caller;
 * - all channels of a bridge to the oldest of them (main/bridge_channel.c, `ast_bridge_channel_update_linkedids`).
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

  /** Learns from an event before it is converted. */
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

  /** Forgets the channel that an event destroys, after the event was converted. */
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
    // The peer has had its caller's linked id from the start, and so have the channels linked to the peer since.
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

/** The older of two ids of the form `[system-]<seconds>.<count>`; `a` when either has another form. */
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
