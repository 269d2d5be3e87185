import { z } from "zod";

type Thing = Record<string, unknown>;

const thing = z.record(z.string(), z.unknown());
const identified = z.looseObject({ id: z.string() });
const eventSchema = z.looseObject({
  type: z.string(),
  channel: identified.optional(),
  bridge: identified.optional(),
  device_state: z.looseObject({ name: z.string() }).optional(),
});

/** What the PBX has now: it follows the events that it sends. Tests may change it. */
export class PbxStateOfTests {
  readonly channels = new Map<string, Thing>();
  readonly bridges = new Map<string, Thing>();
  readonly deviceStates = new Map<string, Thing>();
  endpoints: Thing[] = [
    { technology: "PJSIP", resource: "1001", state: "online", channel_ids: [] },
    { technology: "PJSIP", resource: "1002", state: "offline", channel_ids: [] },
  ];
  readonly version = "23.5.0-rc1";
  readonly systemName = "pbx1";
  readonly entityId = "02:fc:00:00:00:01";
  startedAtEpochMillis: number;
  /** How far the PBX's time zone is ahead of UTC. */
  zoneMinutes = 0;
  /** How far the PBX's clock is ahead of this machine's. */
  clockAheadMillis = 0;

  constructor(startedAtEpochMillis = Date.parse("2026-11-23T07:59:41.000Z")) {
    this.startedAtEpochMillis = startedAtEpochMillis;
  }

  get nowEpochMillis(): number {
    return Date.now() + this.clockAheadMillis;
  }

  /** The start time in the PBX's own zone: `2026-11-23T07:59:41`. */
  get startedLocal(): string {
    return new Date(this.startedAtEpochMillis + this.zoneMinutes * 60_000).toISOString().slice(0, 19);
  }

  follow(event: string): void {
    const value = eventSchema.safeParse(JSON.parse(event));
    if (!value.success) return;
    const { type, channel, bridge, device_state } = value.data;
    if (channel !== undefined && type === "ChannelDestroyed") this.channels.delete(channel.id);
    // Asterisk sends a ChannelDialplan after the end of a channel.
    else if (channel !== undefined && (type === "ChannelCreated" || this.channels.has(channel.id)))
      this.channels.set(channel.id, thing.parse(channel));
    if (bridge !== undefined && type === "BridgeDestroyed") this.bridges.delete(bridge.id);
    else if (bridge !== undefined) this.bridges.set(bridge.id, thing.parse(bridge));
    if (device_state !== undefined) this.deviceStates.set(device_state.name, thing.parse(device_state));
  }

  /** A new start: nothing is left. */
  restart(startedAtEpochMillis: number): void {
    this.startedAtEpochMillis = startedAtEpochMillis;
    for (const map of [this.channels, this.bridges, this.deviceStates]) map.clear();
  }

  /** The answer to an ARI GET; undefined when the path is unknown. Asterisk: rest-api/api-docs. */
  ari(path: string): unknown {
    const time = new Date(this.startedAtEpochMillis).toISOString().replace("Z", "+0000");
    switch (path) {
      case "asterisk/info":
        return {
          system: { version: this.version, entity_id: this.entityId },
          config: { name: this.systemName, default_language: "en", setid: { user: "", group: "" } },
          status: { startup_time: time, last_reload_time: time },
        };
      case "channels":
        return [...this.channels.values()];
      case "bridges":
        return [...this.bridges.values()];
      case "endpoints":
        return this.endpoints;
      case "deviceStates":
        return [...this.deviceStates.values()];
      default:
        return undefined;
    }
  }
}
