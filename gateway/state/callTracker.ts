import { BoundedMap } from "./boundedMap.ts";
import { BRIDGE_BLOCK, CHANNEL_BLOCK, type EventFields } from "./eventFields.ts";
import type { TrackedBridge, TrackedChannel, TrackedParkedCall } from "./trackedState.ts";

/** Far more than one Asterisk carries. */
const MOST_CHANNELS = 20_000;
const MOST_BRIDGES = 20_000;
const MOST_PARKED = 2_000;

/** A few events of a channel may come after its Hangup. */
const HUNG_UP_KEPT = 64;

/** Channels, bridges and parked calls. */
export class CallTracker {
  readonly channels = new BoundedMap<TrackedChannel>(MOST_CHANNELS);
  readonly bridges = new BoundedMap<TrackedBridge>(MOST_BRIDGES);
  readonly parkedCalls = new BoundedMap<TrackedParkedCall>(MOST_PARKED);
  channelsSeen = 0;
  readonly #hungUp = new BoundedMap<true>(HUNG_UP_KEPT);

  /** Takes an event; false when it is about something else. */
  apply(name: string, fields: EventFields, atEpochMillis: number): boolean {
    switch (name) {
      case "Newchannel":
        this.channelsSeen += 1;
        this.#hungUp.delete(fields.get("Uniqueid"));
        this.#changeChannel(fields, atEpochMillis);
        return true;
      case "Newstate":
      case "NewCallerid":
      case "NewConnectedLine":
        this.#changeChannel(fields, atEpochMillis);
        return true;
      case "Newexten":
        this.#changeChannel(fields, atEpochMillis, {
          application: fields.get("Application"),
          applicationData: fields.get("AppData"),
        });
        return true;
      case "Rename":
        this.#rename(fields.get("Uniqueid"), fields.get("Newname"));
        return true;
      case "Hangup":
        this.#hangUp(fields.get("Uniqueid"));
        return true;
      case "BridgeCreate":
      case "BridgeVideoSourceUpdate":
        this.#changeBridge(fields);
        return true;
      case "BridgeDestroy":
        this.#destroyBridge(fields.get("BridgeUniqueid"));
        return true;
      case "BridgeEnter":
        this.#changeBridge(fields);
        this.#changeChannel(fields, atEpochMillis, { bridge: fields.get("BridgeUniqueid") });
        return true;
      case "BridgeLeave":
        this.#changeBridge(fields);
        this.#leave(fields, atEpochMillis);
        return true;
      case "ParkedCall":
        this.#park(fields, atEpochMillis);
        return true;
      case "UnParkedCall":
      case "ParkedCallTimeOut":
      case "ParkedCallGiveUp":
      case "ParkedCallSwap":
        this.parkedCalls.delete(fields.get("ParkeeUniqueid"));
        return true;
      default:
        return false;
    }
  }

  /** Asterisk has stopped: no call is left. */
  clear(): void {
    this.channels.clear();
    this.bridges.clear();
    this.parkedCalls.clear();
  }

  #changeChannel(fields: EventFields, atEpochMillis: number, change: Partial<TrackedChannel> = {}): void {
    const id = fields.get("Uniqueid");
    if (id === "" || this.#hungUp.has(id)) return;
    const known = this.channels.get(id);
    this.channels.set(id, {
      application: "",
      applicationData: "",
      bridge: "",
      createdAtEpochMillis: atEpochMillis,
      ...known,
      ...change,
      name: fields.get("Channel"),
      fields: fields.only(CHANNEL_BLOCK),
    });
  }

  #rename(id: string, name: string): void {
    const known = this.channels.get(id);
    if (known === undefined || name === "") return;
    const fields = known.fields.map(([field, value]) => [field, field === "Channel" ? name : value] as const);
    this.channels.set(id, { ...known, name, fields });
  }

  #hangUp(id: string): void {
    this.channels.delete(id);
    this.parkedCalls.delete(id);
    if (id !== "") this.#hungUp.set(id, true);
  }

  #changeBridge(fields: EventFields): void {
    const id = fields.get("BridgeUniqueid");
    if (id === "") return;
    this.bridges.set(id, { fields: fields.only(BRIDGE_BLOCK), technology: fields.get("BridgeTechnology") });
  }

  #destroyBridge(id: string): void {
    this.bridges.delete(id);
    for (const [key, channel] of this.channels)
      if (channel.bridge === id) this.channels.set(key, { ...channel, bridge: "" });
  }

  #leave(fields: EventFields, atEpochMillis: number): void {
    const known = this.channels.get(fields.get("Uniqueid"));
    // After a move, the event about the bridge that was left may come last.
    const isThere = known === undefined || known.bridge === fields.get("BridgeUniqueid");
    this.#changeChannel(fields, atEpochMillis, isThere ? { bridge: "" } : {});
  }

  #park(fields: EventFields, atEpochMillis: number): void {
    const id = fields.get("ParkeeUniqueid");
    if (id === "") return;
    this.parkedCalls.set(id, {
      fields: fields.after("Privilege"),
      lot: fields.get("Parkinglot"),
      parkedAtEpochMillis: atEpochMillis - 1000 * fields.number("ParkingDuration"),
    });
  }
}
