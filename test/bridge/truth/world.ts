import type { LinkLoss, PbxIdentity, PbxObject, PbxState, SourceEvent } from "../../../bridge/source.ts";
import type { SpoolRecord } from "../../../bridge/spool.ts";
import { type Entry, Truth } from "../../../bridge/truth/truth.ts";

export const NOW = Date.parse("2026-11-27T08:00:00.000Z");

export const CLOSED: LinkLoss = { code: "closed", message: "Asterisk closed the connection" };

export function stasis(event: object, receivedAtEpochMillis = NOW): SourceEvent {
  return { format: "stasis", body: Buffer.from(JSON.stringify(event)), receivedAtEpochMillis };
}

export function read(record: SpoolRecord): Record<string, unknown> {
  return JSON.parse(record.body.toString());
}

/** An Asterisk of which only channels and bridges matter. Each change is an event that waits on the wire. */
export class ModelPbx {
  channels = new Map<string, PbxObject>();
  bridges = new Map<string, PbxObject>();
  wire: object[] = [];
  startedAtEpochMillis = NOW;
  #count = 0;

  identity(): PbxIdentity {
    return {
      startedAtEpochMillis: this.startedAtEpochMillis,
      version: "23.5.0",
      systemName: undefined,
      entityId: "e",
    };
  }

  state(): PbxState {
    return {
      pbx: this.identity(),
      takenAtEpochMillis: NOW,
      channels: [...this.channels.values()],
      bridges: [...this.bridges.values()],
      endpoints: [],
      deviceStates: [],
    };
  }

  restart(): void {
    this.channels.clear();
    this.bridges.clear();
    this.wire = [];
    this.startedAtEpochMillis += 60_000;
  }

  /** One of the things that happen in a PBX. `choice` decides which objects it happens to. */
  happen(
    what: "create" | "answer" | "destroy" | "bridge" | "enter" | "leave" | "unbridge",
    choice: number,
  ): void {
    const channel = pick(this.channels, choice);
    const bridge = pick(this.bridges, choice >> 3);
    if (what === "create") this.#put("ChannelCreated", { id: `c${++this.#count}`, state: "Down" });
    if (what === "answer" && channel) this.#put("ChannelStateChange", { ...channel, state: "Up" });
    if (what === "destroy" && channel) this.#destroy(String(channel.id));
    if (what === "bridge") this.#putBridge("BridgeCreated", { id: `b${++this.#count}`, channels: [] });
    if (what === "enter" && channel && bridge && this.#bridgeOf(channel.id) === undefined)
      this.#move("ChannelEnteredBridge", bridge, channel, [...members(bridge), channel.id]);
    if (what === "leave" && channel) this.#leave(String(channel.id));
    if (what === "unbridge" && bridge && members(bridge).length === 0) {
      this.bridges.delete(String(bridge.id));
      this.wire.push({ type: "BridgeDestroyed", bridge });
    }
  }

  #put(type: string, channel: PbxObject): void {
    this.channels.set(String(channel.id), channel);
    this.wire.push({ type, channel });
  }

  #putBridge(type: string, bridge: PbxObject, fields: object = {}): void {
    this.bridges.set(String(bridge.id), bridge);
    this.wire.push({ type, bridge, ...fields });
  }

  #move(type: string, bridge: PbxObject, channel: PbxObject, channels: unknown[]): void {
    this.#putBridge(type, { ...bridge, channels }, { channel });
  }

  #bridgeOf(channel: unknown): PbxObject | undefined {
    return [...this.bridges.values()].find((bridge) => members(bridge).includes(channel));
  }

  #leave(id: string): void {
    const [bridge, channel] = [this.#bridgeOf(id), this.channels.get(id)];
    if (bridge === undefined || channel === undefined) return;
    this.#move(
      "ChannelLeftBridge",
      bridge,
      channel,
      members(bridge).filter((each) => each !== id),
    );
  }

  #destroy(id: string): void {
    this.#leave(id);
    const channel = this.channels.get(id);
    this.channels.delete(id);
    // Asterisk sends a ChannelDialplan after the end.
    this.wire.push({ type: "ChannelDestroyed", cause: 16, channel }, { type: "ChannelDialplan", channel });
  }
}

function members(bridge: PbxObject): unknown[] {
  return Array.isArray(bridge.channels) ? bridge.channels : [];
}

function pick(objects: ReadonlyMap<string, PbxObject>, choice: number): PbxObject | undefined {
  return [...objects.values()][choice % Math.max(1, objects.size)];
}

/** What a subscriber of the feed knows: with snapshots, or by the beginnings and ends alone. */
class Subscriber {
  channels = new Map<string, PbxObject>();
  bridges = new Map<string, PbxObject>();
  readonly begun = new Set<string>();
  readonly ended: string[] = [];
  readonly gaps: string[] = [];
  #snapshot: { channels: Map<string, PbxObject>; bridges: Map<string, PbxObject> } | undefined;

  receive(record: SpoolRecord): void {
    const { type, channel, bridge, item, reason } = read(record) as Record<string, PbxObject> & {
      type: string;
      item?: string;
      reason?: string;
    };
    if (type === "RelayGap") this.gaps.push(String(reason));
    else if (type === "RelaySnapshot") this.#item(String(item), channel, bridge);
    else this.#event(type, channel, bridge);
  }

  #item(item: string, channel: PbxObject | undefined, bridge: PbxObject | undefined): void {
    if (item === "begin") this.#snapshot = { channels: new Map(), bridges: new Map() };
    if (item === "channel" && channel) this.#snapshot?.channels.set(String(channel.id), channel);
    if (item === "bridge" && bridge) this.#snapshot?.bridges.set(String(bridge.id), bridge);
    if (item !== "end" || this.#snapshot === undefined) return;
    this.channels = this.#snapshot.channels;
    this.bridges = this.#snapshot.bridges;
  }

  #event(type: string, channel: PbxObject | undefined, bridge: PbxObject | undefined): void {
    for (const [kind, object] of [
      ["Channel", channel],
      ["Bridge", bridge],
    ] as const) {
      const id = String(object?.id);
      const objects = kind === "Channel" ? this.channels : this.bridges;
      if (object === undefined) continue;
      if (type === `${kind}Created`) this.begun.add(id);
      if (type === `${kind}Destroyed`) {
        this.begun.delete(id);
        this.ended.push(id);
        objects.delete(id);
      } else if (!this.ended.includes(id)) objects.set(id, object);
    }
  }
}

/** A bridge around the truth: what it appends reaches the subscriber, what it remembers outlives it. */
export class ModelBridge {
  readonly memory = new Map<string, string>();
  readonly subscriber = new Subscriber();
  truth = new Truth();
  isLinked = false;
  #ids = 0;
  #now = NOW;

  readonly #pbx: ModelPbx;

  constructor(pbx: ModelPbx) {
    this.#pbx = pbx;
  }

  append({ records, changes }: Entry): void {
    for (const record of records) this.subscriber.receive(record);
    for (const [key, value] of changes)
      if (value === null) this.memory.delete(key);
      else this.memory.set(key, value);
  }

  /** Reads from the wire as many events as given, or all. */
  receive(count = this.#pbx.wire.length): void {
    if (!this.isLinked) return;
    for (const event of this.#pbx.wire.splice(0, count)) {
      const record = stasis(event, ++this.#now);
      this.append({ records: [record], changes: this.truth.event("main", record) });
    }
  }

  cut(): void {
    this.#pbx.wire = [];
    if (this.isLinked)
      this.append({ records: [], changes: this.truth.linkDown("main", CLOSED, ++this.#now) });
    this.isLinked = false;
  }

  kill(): void {
    this.#pbx.wire = [];
    this.isLinked = false;
    this.truth = new Truth(this.memory);
  }

  /** `during` is what happens while the PBX is asked, before and after it answers. */
  up(before: () => void = () => {}, after: () => void = () => {}): void {
    if (this.isLinked) return;
    this.isLinked = true;
    this.#pbx.wire = [];
    const {
      gap,
      snapshotReason: reason,
      ...entry
    } = this.truth.linkUp("main", this.#pbx.identity(), ++this.#now, this.#id());
    this.append(entry);
    const { state, lookout } = this.#ask(before, after);
    for (const entry of this.truth.snapshot(
      state,
      lookout,
      { reason, gap: gap?.id },
      ++this.#now,
      this.#id(),
    ))
      this.append(entry);
    this.truth.end(lookout);
  }

  /** Looks for drift, and repairs it. */
  look(before: () => void = () => {}, after: () => void = () => {}): boolean {
    const { state, lookout } = this.#ask(before, after);
    const drift = this.truth.drift(state, lookout);
    const isDrift = drift.missing.length + drift.ended.length + drift.changed.length > 0;
    if (isDrift) {
      const { gap, ...entry } = this.truth.driftGap(drift, NOW, ++this.#now, this.#id());
      this.append(entry);
      for (const entry of this.truth.snapshot(
        state,
        lookout,
        { reason: "drift", gap: gap.id },
        ++this.#now,
        this.#id(),
      ))
        this.append(entry);
    }
    this.truth.end(lookout);
    return isDrift;
  }

  #ask(before: () => void, after: () => void) {
    const lookout = this.truth.look();
    before();
    const state = this.#pbx.state();
    // What happened before the answer has arrived when it is used; of the rest, some has.
    this.receive();
    after();
    this.receive(Math.floor(this.#pbx.wire.length / 2));
    return { state, lookout };
  }

  #id(): string {
    return `id-${++this.#ids}`;
  }
}
