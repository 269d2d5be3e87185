/**
 * What a feed has told of its PBX, for Manager's list actions. It is filled from the feed's messages and from snapshots,
 * so it may miss what happened before the gateway followed the feed. All texts are bytes, one character for each.
 */
export interface TrackedState {
  readonly channels: Listing<TrackedChannel>;
  readonly bridges: Listing<TrackedBridge>;
  readonly deviceStates: Listing<TrackedDevice>;
  readonly endpoints: Listing<TrackedEndpoint>;
  readonly contacts: Listing<TrackedContact>;
  readonly extensions: Listing<TrackedExtension>;
  readonly queues: Listing<TrackedQueue>;
  readonly conferences: Listing<TrackedConference>;
  readonly parkedCalls: Listing<TrackedParkedCall>;
  /** Channels created since the gateway follows the feed. */
  readonly channelsSeen: number;
}

/** Objects by their key, oldest first. */
export type Listing<T> = ReadonlyMap<string, T>;

/** A header of an event, in Manager's spelling. */
export type StateField = readonly [name: string, value: string];

/** By unique id. */
export interface TrackedChannel {
  /** The channel's block, `Channel` to `ChanVariable`, as in the last event about it. */
  readonly fields: readonly StateField[];
  readonly name: string;
  readonly application: string;
  readonly applicationData: string;
  /** Empty while the channel is in no bridge. */
  readonly bridge: string;
  readonly createdAtEpochMillis: number;
}

/** By unique id. */
export interface TrackedBridge {
  /** The bridge's block, `BridgeUniqueid` to `BridgeVideoSourceMode`. */
  readonly fields: readonly StateField[];
  readonly technology: string;
}

/** By device. */
export interface TrackedDevice {
  readonly device: string;
  readonly state: string;
}

/** By technology and resource: `PJSIP/alice`. */
export interface TrackedEndpoint {
  readonly technology: string;
  readonly resource: string;
  /** ARI's word: `online`, `offline` or `unknown`. */
  readonly state: string;
}

/** By URI and address of record. */
export interface TrackedContact {
  readonly uri: string;
  readonly status: string;
  readonly aor: string;
  readonly endpoint: string;
  readonly roundtripMicros: string;
}

/** By extension and context. */
export interface TrackedExtension {
  readonly extension: string;
  readonly context: string;
  readonly hint: string;
  readonly status: string;
  readonly statusText: string;
}

/** By name. */
export interface TrackedQueue {
  readonly name: string;
  readonly completed: number;
  readonly abandoned: number;
  /** By interface; the fields of the last QueueMember event after `Queue`. */
  readonly members: ReadonlyMap<string, TrackedMember>;
  /** By the channel's unique id, in the order of their positions. */
  readonly callers: ReadonlyMap<string, TrackedCaller>;
}

export interface TrackedMember {
  readonly name: string;
  readonly location: string;
  /** `StateInterface` to `Wrapuptime`. */
  readonly fields: readonly StateField[];
  readonly status: number;
  readonly isPaused: boolean;
}

export interface TrackedCaller {
  readonly channel: string;
  readonly uniqueId: string;
  readonly callerNumber: string;
  readonly callerName: string;
  readonly connectedNumber: string;
  readonly connectedName: string;
  readonly joinedAtEpochMillis: number;
}

/** By name. */
export interface TrackedConference {
  readonly name: string;
  readonly isLocked: boolean;
  readonly isMuted: boolean;
  /** By the channel's unique id. */
  readonly participants: ReadonlyMap<string, TrackedParticipant>;
}

export interface TrackedParticipant {
  readonly isAdmin: boolean;
  readonly isMarked: boolean;
  readonly isMuted: boolean;
  readonly isTalking: boolean;
  readonly joinedAtEpochMillis: number;
  /** The channel's block. */
  readonly fields: readonly StateField[];
}

/** By the parkee's unique id. */
export interface TrackedParkedCall {
  /** All fields of the ParkedCall event. */
  readonly fields: readonly StateField[];
  readonly lot: string;
  readonly parkedAtEpochMillis: number;
}

const EMPTY = new Map<string, never>();

/** For a feed that has told nothing yet. */
export const NOTHING_TRACKED: TrackedState = {
  channels: EMPTY,
  bridges: EMPTY,
  deviceStates: EMPTY,
  endpoints: EMPTY,
  contacts: EMPTY,
  extensions: EMPTY,
  queues: EMPTY,
  conferences: EMPTY,
  parkedCalls: EMPTY,
  channelsSeen: 0,
};
