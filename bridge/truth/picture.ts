import type { PbxObject } from "../source.ts";
import type { Change, Facts } from "./facts.ts";
import type { MemoryChanges } from "./memory.ts";

/** Far more than an Asterisk can have. Beyond it the object that was seen first is forgotten. */
const MAX_OBJECTS = 100_000;

/** Asterisk sends a few events of a channel after its end, such as a late ChannelDialplan. */
const REMEMBERED_ENDS = 2_000;

const KINDS = ["channel", "bridge"] as const;
type Kind = (typeof KINDS)[number];

export type Objects = ReadonlyMap<string, PbxObject>;

/**
 * The channels and bridges of one PBX as a subscriber of its feed sees them: what the events said last. Each change is
 * also a change of the bridge's memory, which the spool stores in the same transaction as the event.
 */
export class Picture {
  readonly #objects: Record<Kind, Map<string, PbxObject>> = { channel: new Map(), bridge: new Map() };
  readonly #ended = new Set<string>();

  /** @param memory what a bridge before this one left in the spool; entries of others are skipped */
  constructor(memory: ReadonlyMap<string, string> = new Map()) {
    for (const [key, text] of memory)
      for (const kind of KINDS)
        if (key.startsWith(`${kind}:`)) {
          const id = key.slice(kind.length + 1);
          this.#objects[kind].set(id, readObject(text) ?? { id });
        }
  }

  get channels(): Objects {
    return this.#objects.channel;
  }

  get bridges(): Objects {
    return this.#objects.bridge;
  }

  /** An event came. */
  apply(facts: Facts): MemoryChanges {
    const changes = new Map<string, string | null>();
    for (const change of facts.channels) this.#change("channel", change, changes);
    for (const change of facts.bridges) this.#change("bridge", change, changes);
    return changes;
  }

  /** A snapshot replaces everything. */
  replace(channels: Objects, bridges: Objects): MemoryChanges {
    const changes = new Map<string, string | null>();
    this.#replace("channel", channels, changes);
    this.#replace("bridge", bridges, changes);
    return changes;
  }

  #change(kind: Kind, { id, kind: what, object, member }: Change, changes: Map<string, string | null>): void {
    const objects = this.#objects[kind];
    const key = `${kind}:${id}`;
    if (what === "ended") {
      this.#rememberEnd(key);
      if (objects.delete(id)) changes.set(key, null);
      return;
    }
    // A channel that ARI creates can have the id of one that has ended.
    if (what === "created") this.#ended.delete(key);
    if (what === "seen" && this.#ended.has(key)) return;
    const next =
      member === undefined && kind === "channel" ? object : withMembers(object, objects.get(id), member);
    objects.set(id, next);
    changes.set(key, JSON.stringify(next));
    if (objects.size > MAX_OBJECTS) this.#forgetFirst(kind, changes);
  }

  #replace(kind: Kind, objects: Objects, changes: Map<string, string | null>): void {
    for (const id of this.#objects[kind].keys())
      if (!objects.has(id)) {
        this.#rememberEnd(`${kind}:${id}`);
        changes.set(`${kind}:${id}`, null);
      }
    this.#objects[kind] = new Map(objects);
    for (const [id, object] of objects) changes.set(`${kind}:${id}`, JSON.stringify(object));
  }

  #rememberEnd(key: string): void {
    this.#ended.add(key);
    if (this.#ended.size <= REMEMBERED_ENDS) return;
    for (const oldest of this.#ended) {
      this.#ended.delete(oldest);
      return;
    }
  }

  #forgetFirst(kind: Kind, changes: Map<string, string | null>): void {
    for (const id of this.#objects[kind].keys()) {
      this.#objects[kind].delete(id);
      changes.set(`${kind}:${id}`, null);
      return;
    }
  }
}

/** A bridge that does not list its channels has those that it had, and the one that entered. */
function withMembers(bridge: PbxObject, before: PbxObject | undefined, member: Change["member"]): PbxObject {
  if (Array.isArray(bridge.channels)) return bridge;
  const channels = new Set(Array.isArray(before?.channels) ? before.channels : []);
  if (member?.isIn === true) channels.add(member.id);
  if (member?.isIn === false) channels.delete(member.id);
  return { ...bridge, channels: [...channels] };
}

/** The memory is the bridge's own. Of an entry that cannot be read, the id is still worth something. */
function readObject(text: string): PbxObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
