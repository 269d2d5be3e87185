import type { AmiMessage } from "../../shared/ami/amiMessage.ts";
import type { Page } from "../../shared/queue/page.ts";
import type { PbxFacts } from "../protocol/pbx.ts";
import type { BoundedMap } from "./boundedMap.ts";
import { CallTracker } from "./callTracker.ts";
import { ConferenceTracker } from "./conferenceTracker.ts";
import { DeviceTracker } from "./deviceTracker.ts";
import { EventFields } from "./eventFields.ts";
import { QueueTracker } from "./queueTracker.ts";
import { SNAPSHOT_TYPE, type Snapshot, SnapshotTracker } from "./snapshotTracker.ts";
import type { Listing, TrackedState } from "./trackedState.ts";

/** Frequent events that change nothing of what is tracked. */
const IGNORED = new Set(["VarSet", "DTMFBegin", "DTMFEnd", "RTCPSent", "RTCPReceived", "Cdr", "CEL"]);

/** Larger events are not tracked. Asterisk's have a few hundred bytes. */
const MOST_CHARACTERS = 32 * 1024;

/**
 * Keeps the state of one PBX from its feed's messages. Both kinds of source are read in their AMI form; a snapshot
 * replaces what was known.
 */
export class StateTracker {
  readonly #calls = new CallTracker();
  readonly #devices = new DeviceTracker();
  readonly #queues = new QueueTracker();
  readonly #conferences = new ConferenceTracker();
  readonly #snapshots = new SnapshotTracker();
  #pbx: PbxFacts;

  /** @param unknown what is said of the PBX until the feed tells more */
  constructor(unknown: PbxFacts) {
    this.#pbx = unknown;
  }

  get pbx(): PbxFacts {
    return this.#pbx;
  }

  /** A view, not a copy: it changes with the next page. */
  get state(): TrackedState {
    const { channels, bridges, parkedCalls, channelsSeen } = this.#calls;
    const { deviceStates, endpoints, contacts, extensions } = this.#devices;
    const { queues } = this.#queues;
    const { conferences } = this.#conferences;
    return {
      channels,
      bridges,
      parkedCalls,
      channelsSeen,
      deviceStates,
      endpoints,
      contacts,
      extensions,
      queues,
      conferences,
    };
  }

  observe({ messages, appendedAtEpochMillis }: Pick<Page, "messages" | "appendedAtEpochMillis">): void {
    for (const message of messages) {
      if (message.type === SNAPSHOT_TYPE) {
        const snapshot = this.#snapshots.take(message);
        if (snapshot) this.#replace(snapshot, appendedAtEpochMillis);
      } else if (message.ami !== undefined && isTracked(message.ami))
        this.#apply(message.ami.name, new EventFields(message.ami), appendedAtEpochMillis);
    }
  }

  #apply(name: string, fields: EventFields, atEpochMillis: number): void {
    if (name === "Shutdown") {
      this.#calls.clear();
      this.#queues.clear();
      this.#conferences.clear();
    } else if (name === "FullyBooted") {
      const startedAtEpochMillis = atEpochMillis - 1000 * fields.number("Uptime");
      this.#pbx = { ...this.#pbx, startedAtEpochMillis };
    } else {
      this.#calls.apply(name, fields, atEpochMillis) ||
        this.#devices.apply(name, fields) ||
        this.#queues.apply(name, fields, atEpochMillis) ||
        this.#conferences.apply(name, fields, atEpochMillis);
    }
  }

  #replace({ pbx, channels, bridges, deviceStates, endpoints }: Snapshot, atEpochMillis: number): void {
    this.#pbx = {
      version: safeVersion(pbx.version) ?? this.#pbx.version,
      systemName: pbx.systemName ?? this.#pbx.systemName,
      startedAtEpochMillis: pbx.startedAtEpochMillis ?? this.#pbx.startedAtEpochMillis,
    };
    const channelsWithTime = [...channels].map(
      ([id, channel]) =>
        [id, { ...channel, createdAtEpochMillis: channel.createdAtEpochMillis || atEpochMillis }] as const,
    );
    refill(this.#calls.channels, channelsWithTime);
    refill(this.#calls.bridges, bridges);
    refill(this.#devices.deviceStates, deviceStates);
    refill(this.#devices.endpoints, endpoints);
  }
}

function isTracked({ name, text }: AmiMessage): boolean {
  return !IGNORED.has(name) && text.length <= MOST_CHARACTERS;
}

function refill<T>(map: BoundedMap<T>, entries: Iterable<readonly [string, T]> | Listing<T>): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

/** It becomes part of the greeting. */
function safeVersion(version: string | undefined): string | undefined {
  return version !== undefined && /^[\x21-\x7e]{1,64}$/.test(version) ? version : undefined;
}
