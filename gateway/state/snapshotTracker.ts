import { type JsonObject, listIn, objectIn, stringIn, textIn } from "../../shared/ami/json.ts";
import { bridgeFields, channelFields, toldLinkedId } from "../../shared/ami/snapshots.ts";
import type { Message } from "../../shared/queue/message.ts";
import { asBytes } from "./eventFields.ts";
import type {
  StateField,
  TrackedBridge,
  TrackedChannel,
  TrackedDevice,
  TrackedEndpoint,
} from "./trackedState.ts";

/** The type of the messages by which a bridge tells a PBX's whole state. */
export const SNAPSHOT_TYPE = "RelaySnapshot";

/** A larger snapshot is not taken. */
const MOST_CHARACTERS = 64 * 1024 * 1024;

/** What a finished snapshot says, as the trackers keep it. */
export interface Snapshot {
  readonly pbx: SnapshotPbx;
  readonly channels: ReadonlyMap<string, TrackedChannel>;
  readonly bridges: ReadonlyMap<string, TrackedBridge>;
  readonly deviceStates: ReadonlyMap<string, TrackedDevice>;
  readonly endpoints: ReadonlyMap<string, TrackedEndpoint>;
}

export interface SnapshotPbx {
  readonly version: string | undefined;
  readonly systemName: string | undefined;
  readonly startedAtEpochMillis: number | undefined;
}

/** Puts the items of a snapshot together. An unfinished one is dropped when the next begins. */
export class SnapshotTracker {
  #id: string | undefined;
  #begin: JsonObject = {};
  #items: JsonObject[] = [];
  #characters = 0;

  /** The snapshot that the message ends, if it does. */
  take(message: Message): Snapshot | undefined {
    const event = eventOf(message);
    const id = stringIn(event, "snapshot");
    if (event === undefined || id === undefined) return undefined;
    const item = stringIn(event, "item");
    if (item === "begin") {
      this.#id = id;
      this.#begin = event;
      this.#items = [];
      this.#characters = 0;
    } else if (id === this.#id) {
      if (item === "end") return this.#end();
      this.#items.push(event);
      this.#characters += message.text.length;
      if (this.#characters > MOST_CHARACTERS) this.#drop();
    }
    return undefined;
  }

  #drop(): void {
    this.#id = undefined;
    this.#items = [];
  }

  #end(): Snapshot {
    const items = this.#items;
    this.#drop();
    const objects = (kind: string, name: string) =>
      items.flatMap((item): JsonObject[] => {
        const object = stringIn(item, "item") === kind ? objectIn(item, name) : undefined;
        return object === undefined ? [] : [object];
      });
    const bridges = objects("bridge", "bridge");
    const bridgeOf = new Map(
      bridges.flatMap((bridge) =>
        listIn(bridge, "channels").map((channel) => [channel, textIn(bridge, "id") ?? ""] as const),
      ),
    );
    return {
      pbx: pbxOf(this.#begin),
      channels: keyed(objects("channel", "channel"), "id", (channel, id) =>
        channelOf(channel, bridgeOf.get(id)),
      ),
      bridges: keyed(bridges, "id", (bridge) => ({
        fields: inBytes(bridgeFields(bridge)),
        technology: asBytes(textIn(bridge, "technology") ?? ""),
      })),
      deviceStates: keyed(objects("deviceState", "device_state"), "name", (device, name) => ({
        device: asBytes(name),
        state: asBytes(textIn(device, "state") ?? ""),
      })),
      endpoints: new Map(
        objects("endpoint", "endpoint").map((endpoint) => {
          const technology = asBytes(textIn(endpoint, "technology") ?? "");
          const resource = asBytes(textIn(endpoint, "resource") ?? "");
          const state = asBytes(textIn(endpoint, "state") ?? "");
          return [`${technology}/${resource}`, { technology, resource, state }];
        }),
      ),
    };
  }
}

function channelOf(channel: JsonObject, bridge: string | undefined): TrackedChannel {
  const dialplan = objectIn(channel, "dialplan");
  return {
    fields: inBytes(channelFields(channel, (each) => toldLinkedId(each) ?? textIn(each, "id") ?? "")),
    name: asBytes(textIn(channel, "name") ?? ""),
    application: asBytes(textIn(dialplan, "app_name") ?? ""),
    applicationData: asBytes(textIn(dialplan, "app_data") ?? ""),
    bridge: asBytes(bridge ?? ""),
    createdAtEpochMillis: timeOf(textIn(channel, "creationtime")) ?? 0,
  };
}

function pbxOf(begin: JsonObject): SnapshotPbx {
  const pbx = objectIn(begin, "pbx");
  return {
    version: stringIn(pbx, "version"),
    systemName: stringIn(pbx, "systemName"),
    startedAtEpochMillis: timeOf(stringIn(begin, "epoch")),
  };
}

function keyed<T>(
  objects: readonly JsonObject[],
  key: string,
  make: (object: JsonObject, id: string) => T,
): Map<string, T> {
  return new Map(
    objects.flatMap((object) => {
      const id = textIn(object, key);
      return id === undefined ? [] : [[asBytes(id), make(object, id)] as const];
    }),
  );
}

function inBytes(fields: readonly StateField[] | undefined): StateField[] {
  return (fields ?? []).map(([name, value]) => [name, asBytes(value)]);
}

/** Asterisk writes zones as `+0000`. */
function timeOf(text: string | undefined): number | undefined {
  const millis = Date.parse((text ?? "").replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
  return Number.isFinite(millis) ? millis : undefined;
}

/** The event in a message's JSON. */
function eventOf({ text }: Message): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? objectIn(value as JsonObject, "event") : undefined;
  } catch {
    return undefined;
  }
}
