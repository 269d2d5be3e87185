import type { PbxIdentity, PbxObject } from "../source.ts";
import type { SpoolRecord } from "../spool.ts";

/**
 * The messages that the bridge itself appends to a feed. They are Stasis-style events, so every subscriber of the feed
 * gets them in their place in the order. docs/connect-asterisk.md describes them for readers.
 */

/** Why events may be missing, or the state may be wrong. */
export type GapReason =
  /** The connection to the PBX was lost, or the bridge was down. */
  | "link"
  /** Asterisk restarted: its start time is another one. */
  | "restart"
  /** Another client took the ARI application. */
  | "takeover"
  /** The spool removed events that were never shipped. The spool writes this record. */
  | "spool-full"
  /** The state that the events give differs from the state that the PBX reports. */
  | "drift"
  /** The bridge cut the link because it could not store events as fast as they came. */
  | "reader-too-slow";

export interface Gap {
  readonly id: string;
  readonly reason: GapReason;
  readonly fromEpochMillis: number;
  readonly toEpochMillis: number;
  /** Asterisk's start time before the gap; undefined when it is not known. */
  readonly epochBeforeEpochMillis: number | undefined;
  readonly epochAfterEpochMillis: number | undefined;
  /** What else is known of it, such as which link was lost and with which code. */
  readonly facts: Readonly<Record<string, string | number>>;
}

export type SnapshotReason = GapReason | "start";

/** What a snapshot says: everything that the PBX has now. A subscriber replaces what it knew. */
export interface Snapshot {
  readonly id: string;
  readonly reason: SnapshotReason;
  /** The gap that it repairs; undefined at the first start. */
  readonly gap: string | undefined;
  readonly pbx: PbxIdentity;
  readonly channels: readonly PbxObject[];
  readonly bridges: readonly PbxObject[];
  readonly endpoints: readonly PbxObject[];
  readonly deviceStates: readonly PbxObject[];
}

export function gapRecord(gap: Gap, atEpochMillis: number): SpoolRecord {
  return record(atEpochMillis, {
    type: "RelayGap",
    timestamp: iso(atEpochMillis),
    reason: gap.reason,
    gap: gap.id,
    from: iso(gap.fromEpochMillis),
    to: iso(gap.toEpochMillis),
    epochBefore: isoOrNull(gap.epochBeforeEpochMillis),
    epochAfter: isoOrNull(gap.epochAfterEpochMillis),
    ...gap.facts,
  });
}

/** Begin, items, end. A snapshot without its end is incomplete: another one follows. */
export function snapshotRecords(snapshot: Snapshot, atEpochMillis: number): SpoolRecord[] {
  const { id, reason, gap, pbx, channels, bridges, endpoints, deviceStates } = snapshot;
  const item = (name: string, fields: object) =>
    record(atEpochMillis, {
      type: "RelaySnapshot",
      timestamp: iso(atEpochMillis),
      item: name,
      snapshot: id,
      ...fields,
    });
  return [
    item("begin", {
      reason,
      gap,
      epoch: iso(pbx.startedAtEpochMillis),
      pbx: { version: pbx.version, systemName: pbx.systemName, entityId: pbx.entityId },
    }),
    ...channels.map((channel) => item("channel", { channel })),
    ...bridges.map((bridge) => item("bridge", { bridge })),
    ...endpoints.map((endpoint) => item("endpoint", { endpoint })),
    ...deviceStates.map((state) => item("deviceState", { device_state: state })),
    item("end", {
      counts: {
        channels: channels.length,
        bridges: bridges.length,
        endpoints: endpoints.length,
        deviceStates: deviceStates.length,
      },
    }),
  ];
}

/**
 * The ends that nobody saw. Subscribers that know nothing of snapshots need them, or they would show a call for ever.
 * In a real ChannelDestroyed the cause says why the call ended; here nobody knows, which Asterisk calls cause 0.
 */
export function inferredEnds(
  ended: { readonly channels: readonly PbxObject[]; readonly bridges: readonly PbxObject[] },
  gap: string,
  atEpochMillis: number,
): SpoolRecord[] {
  const end = (type: string, fields: object) =>
    record(atEpochMillis, {
      type,
      timestamp: iso(atEpochMillis),
      ...fields,
      relay: { inferred: true, gap },
    });
  return [
    ...ended.channels.map((channel) => end("ChannelDestroyed", { cause: 0, cause_txt: "Unknown", channel })),
    ...ended.bridges.map((bridge) => end("BridgeDestroyed", { bridge: { ...bridge, channels: [] } })),
  ];
}

function record(atEpochMillis: number, event: object): SpoolRecord {
  return { format: "stasis", body: Buffer.from(JSON.stringify(event)), receivedAtEpochMillis: atEpochMillis };
}

function iso(epochMillis: number): string {
  return new Date(epochMillis).toISOString();
}

function isoOrNull(epochMillis: number | undefined): string | null {
  return epochMillis === undefined ? null : iso(epochMillis);
}
