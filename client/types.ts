/**
 * The requests and responses of the HTTP interface. The relay validates requests with its own schemas; a test keeps these
 * types equal to the schemas.
 */

/** `stasis`: the event that Asterisk sent. `ami`: the AMI text and fields that Asterisk's Manager makes of it. */
export type MessageFormat = "stasis" | "ami";

/**
 * `tail`: the next message to be appended. `head`: the first message still held. A number: that message. A time in
 * ISO 8601: the first message that was appended then or later.
 */
export type Position = "tail" | "head" | number | { readonly time: string };

export type ReadClass =
  | "system"
  | "call"
  | "log"
  | "verbose"
  | "command"
  | "agent"
  | "user"
  | "config"
  | "dtmf"
  | "reporting"
  | "cdr"
  | "dialplan"
  | "originate"
  | "agi"
  | "hookresponse"
  | "cc"
  | "aoc"
  | "test"
  | "security"
  | "message"
  | "all";

/** The messages a session gets: those that pass every given part. At least one part is required. */
export interface Filter {
  /** Stasis event types. */
  readonly types?: readonly string[];
  /** AMI read classes, as a list or as the text of `read` in manager.conf. */
  readonly read?: string | readonly ReadClass[];
  /** AMI event names. */
  readonly events?: readonly string[];
  /** AMI event filters as in manager.conf. */
  readonly eventFilters?: readonly string[];
}

export interface NewWebhookSession {
  readonly feed: string;
  readonly kind?: "webhook";
  readonly url: string;
  /** `stasis` if absent. */
  readonly format?: MessageFormat;
  /** `tail` if absent. */
  readonly from?: Position;
  /** Most messages per request; 100 if absent. */
  readonly maxBatch?: number;
  readonly filter?: Filter;
  /** Compresses the requests; not if absent. */
  readonly compress?: "gzip";
}

/** A user who can log in to the AMI gateway. */
export interface NewAmiSession {
  readonly feed: string;
  readonly kind: "ami";
  /** Unique in the relay; upper and lower case count as the same. */
  readonly username: string;
  /** 12 characters at least; the relay makes one if absent. */
  readonly secret?: string;
  /** As `read =` in manager.conf; `all` if absent. */
  readonly read?: string;
  /** As `eventfilter =` in manager.conf. */
  readonly eventFilters?: readonly string[];
  /** A login goes on where the last connection was. false if absent: it begins with the next event. */
  readonly resume?: boolean;
  /** What a second login of a user with `resume` does; `take-over` if absent. */
  readonly multipleLogin?: "refuse" | "take-over";
  /** Adds a `RelaySequence` header to every event; false if absent. */
  readonly sequenceHeader?: boolean;
}

export type NewSession = NewWebhookSession | NewAmiSession;

export interface SessionChange {
  /** `active` resumes a paused or suspended session where it stopped, and ends a backoff. */
  readonly state?: "paused" | "active";
  /** Seek: moves the session, so that this message is its next. */
  readonly next?: Position;
  /** Creates a new secret. For a day, the old secret stays valid beside it; with `at-once` it ends now. */
  readonly rotateSecret?: true | "at-once";
  /** Of webhooks. */
  readonly url?: string;
  /** Of webhooks. null removes the filter. */
  readonly filter?: Filter | null;
  /** Of webhooks. */
  readonly maxBatch?: number;
  /** Of webhooks. null ends the compression. */
  readonly compress?: "gzip" | null;
  /** Of AMI users, as all that follows: the new secret, instead of one that the relay makes. */
  readonly secret?: string;
  readonly read?: string;
  readonly eventFilters?: readonly string[];
  readonly resume?: boolean;
  readonly multipleLogin?: "refuse" | "take-over";
  readonly sequenceHeader?: boolean;
}

/** The session's durable row, for troubleshooting. */
export interface CursorView {
  readonly state: "parked" | "signalled" | "active" | "backoff" | "paused" | "suspended";
  readonly segment: number;
  readonly fence: number;
  readonly lane: "fast" | "slow";
  readonly leaseUntil: string | null;
  readonly dueAt: string | null;
  readonly gap: { readonly first: number; readonly last: number; readonly reason: string } | null;
}

export interface SessionError {
  readonly reason: string;
  readonly detail: string;
  readonly status?: number;
  readonly at: string;
}

export interface WebhookSession {
  readonly id: string;
  readonly feed: string;
  readonly kind: "webhook";
  readonly url: string;
  readonly format: MessageFormat;
  readonly maxBatch: number;
  readonly filter: Filter | null;
  readonly compress: "gzip" | null;
  readonly state: "active" | "backoff" | "paused" | "suspended";
  /** The first message that the session has not received. */
  readonly next: number;
  readonly lagMessages: number;
  readonly lagSeconds: number;
  /** Consecutive failures. */
  readonly attempts: number;
  readonly lastError: SessionError | null;
  readonly lastDelivery: string | null;
  readonly createdAt: string;
  readonly cursor: CursorView;
}

export interface AmiSession {
  readonly id: string;
  readonly feed: string;
  readonly kind: "ami";
  readonly username: string;
  readonly read: string;
  readonly eventFilters: readonly string[];
  readonly resume: boolean;
  readonly multipleLogin: "refuse" | "take-over";
  readonly sequenceHeader: boolean;
  readonly state: "active" | "paused" | "suspended";
  /** When the connection that holds the position logged in. Without `resume`, connections are not recorded. */
  readonly connectedSince: string | null;
  readonly lastLogin: string | null;
  /** The first message that the user has not received; null without `resume`, as all that follows from it. */
  readonly next: number | null;
  readonly lagMessages: number | null;
  readonly lagSeconds: number | null;
  readonly lastError: SessionError | null;
  readonly lastDelivery: string | null;
  readonly createdAt: string;
  readonly cursor: CursorView | null;
}

export type Session = WebhookSession | AmiSession;

interface NewSecret {
  /** Signs a webhook's requests, or logs in to the AMI gateway. Not shown again. */
  readonly secret: string;
}

interface MaybeNewSecret {
  /** The new secret. Present only after a rotation. */
  readonly secret?: string;
}

export interface CreatedWebhookSession extends WebhookSession, NewSecret {}
export interface CreatedAmiSession extends AmiSession, NewSecret {}
export type CreatedSession = CreatedWebhookSession | CreatedAmiSession;

export interface ChangedWebhookSession extends WebhookSession, MaybeNewSecret {}
export interface ChangedAmiSession extends AmiSession, MaybeNewSecret {}
export type ChangedSession = ChangedWebhookSession | ChangedAmiSession;

/** One page of sessions. */
export interface SessionList {
  readonly sessions: readonly Session[];
  /** Pass it as `after` to get the next page; absent on the last page. */
  readonly after?: string;
}

/** What a session's endpoint answered: to one request that failed, or to a run of requests that it accepted. */
export interface Attempt {
  readonly outcome: "accepted" | "failed";
  readonly status?: number;
  /** Of a failure. Stable, for programs. */
  readonly reason?: string;
  /** Of a failure, for people. */
  readonly detail?: string;
  /** When the first and the last request were answered. */
  readonly since: string;
  readonly at: string;
  /** Of the longest request. */
  readonly durationMillis: number;
  readonly requests: number;
  /** The `webhook-id` of the last request. */
  readonly batch: string;
  /** The first and the last message, or the ends of the gap. */
  readonly first: number;
  readonly last: number;
  readonly messages: number;
  /** The reason of the gap that the request reported. */
  readonly gap?: string;
  /** The id of the test message that it was. */
  readonly test?: string;
}

/** The last 50 attempts, the newest first. */
export interface AttemptList {
  readonly session: string;
  readonly attempts: readonly Attempt[];
}

/** What became of one message for one session. */
export interface Explanation {
  readonly session: string;
  readonly feed: string;
  readonly sequence: number;
  /** `passed`: the session stands behind it, and no attempt at it is recorded. */
  readonly outcome:
    | "delivered"
    | "passed"
    | "filtered"
    | "gap"
    | "in-flight"
    | "waiting"
    | "not-appended"
    | "freed"
    | "expired"
    | "no-position";
  /** What a waiting message waits for. */
  readonly because?: "backoff" | "paused" | "suspended" | "batch" | "wake" | "connection";
  /** For people. */
  readonly explanation: string;
  /** The part of the filter that the message does not pass, and the event filter that excludes it. */
  readonly filter?: {
    readonly part: "form" | "class" | "types" | "read" | "events" | "eventFilters";
    readonly line?: string;
  };
  /** The request that brought or reported it, or the last one that failed to. */
  readonly attempt?: Attempt;
  /** Absent when the message is not held. */
  readonly message?: {
    readonly type?: string;
    readonly amiEvent?: string;
    readonly amiClasses?: readonly string[];
    readonly appendedAt: string;
  };
}

export interface Feed {
  readonly feed: string;
  /** The first sequence number still held. */
  readonly head: number;
  /** The last sequence number appended; 0 for none. */
  readonly tail: number;
  readonly segmentSize: number;
  readonly wrapUnmapped?: true;
  /** All segments; of more than 100, the first, the last, and the lowest ones where sessions stand. */
  readonly segments: readonly {
    readonly segment: number;
    readonly messages: number;
    /** Cursors that stand in the segment. */
    readonly references: number;
  }[];
  /** How many segments are not listed; absent if there are none. */
  readonly segmentsLeftOut?: number;
}

export interface FeedSummary {
  readonly feed: string;
  /** The first sequence number still held. */
  readonly head: number;
  /** The last sequence number appended; 0 for none. */
  readonly tail: number;
  readonly lastAppend: string | null;
  /** How many sessions follow the feed. */
  readonly sessions: number;
  /** No session lags more messages than this. */
  readonly lagMessagesAtMost: number;
  /** Named producers of the last day, at most 32. */
  readonly producers: number;
}

/** One page of feeds. */
export interface FeedList {
  readonly feeds: readonly FeedSummary[];
  /** Pass it as `after` to get the next page; absent on the last page. */
  readonly after?: string;
}

export interface ProducerList {
  readonly feed: string;
  /** The one seen last first. */
  readonly producers: readonly {
    readonly producer: string;
    /** The first position that the feed knows. */
    readonly start: number;
    /** The position that the feed expects next. */
    readonly next: number;
    /** Positions that were skipped and reported as gaps; the last 8. */
    readonly gaps: readonly { readonly first: number; readonly last: number }[];
    readonly lastSeen: string;
    /** The id of the key under which it first sent, which makes the feed remember it for 30 days. */
    readonly key: string | null;
  }[];
}

/** `manager`: everything. `producer`: appends. `reader`: reads feeds, messages and sessions. */
export type Role = "manager" | "producer" | "reader";

interface NewKeySettings {
  /** For people: who has it. */
  readonly name: string;
  /** The rate limit, in each process of the relay; 200 if absent. */
  readonly requestsPerSecond?: number;
}

/** `feeds` are names of feeds, in which `*` stands for any characters. Only a manager may leave them out: all feeds. */
export type NewKey =
  | (NewKeySettings & { readonly role: "producer" | "reader"; readonly feeds: readonly string[] })
  | (NewKeySettings & { readonly role: "manager"; readonly feeds?: readonly string[] });

export interface Key {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly feeds: readonly string[];
  readonly requestsPerSecond: number;
  readonly createdAt: string;
  /** Exact to the hour. */
  readonly lastUsed: string | null;
}

export interface CreatedKey extends Key {
  /** The bearer token. Not shown again. */
  readonly key: string;
}

/** One page of keys. */
export interface KeyList {
  readonly keys: readonly Key[];
  /** Pass it as `after` to get the next page; absent on the last page. */
  readonly after?: string;
}

export interface FeedChange {
  /** Whether events unknown to Manager become a UserEvent named `ARI-<type>`. */
  readonly wrapUnmapped: boolean;
}

export interface MessagesQuery {
  readonly format?: MessageFormat;
  /** `head` if absent. */
  readonly from?: Position;
  /** 100 if absent; at most 1000. */
  readonly limit?: number;
  /** Long poll: when there is nothing to read, wait for it, so many seconds at most; 0 if absent, at most 20. */
  readonly wait?: number;
}

export interface MessageList {
  readonly feed: string;
  readonly messages: readonly Message[];
  /** The `from` of the next call. */
  readonly next: number;
  /** Requested numbers that are no longer held. */
  readonly gap?: { readonly first: number; readonly last: number };
}

export interface StasisMessage {
  readonly sequence: number;
  readonly type: string;
  readonly timestamp: string;
  /** The event as Asterisk sent it. */
  readonly event: Readonly<Record<string, unknown>>;
}

export interface AmiMessage {
  readonly sequence: number;
  /** The AMI event's name. */
  readonly type: string;
  readonly timestamp: string;
  /** The AMI text with its line ends. */
  readonly text: string;
  /** The fields by name; repeated fields are arrays. */
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  /** What `text` was read as when Asterisk's bytes are not UTF-8. */
  readonly charset?: string | undefined;
  /** The bytes of `text` as Asterisk sent them, when they are not UTF-8. */
  readonly base64?: string | undefined;
}

export type Message = StasisMessage | AmiMessage;

/** The body of a webhook request. */
export interface WebhookRequest {
  readonly feed: string;
  /** The session's id. */
  readonly session: string;
  /** The cursor's fence: grows each time another turn takes the session over. */
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  /** The last number sent to this session before `first`. */
  readonly previous: number;
  readonly messages: readonly Message[];
}

/** A refused event, by its index in the request. */
export interface Refusal {
  readonly index: number;
  readonly error: string;
}

export interface AppendResult {
  /** The numbers of the first and the last event; null if the events were freed. */
  readonly first: number | null;
  readonly last: number | null;
  readonly accepted: number;
  /** Events appended by an earlier request. They keep their original numbers. */
  readonly duplicates: number;
  readonly refused: readonly Refusal[];
  /** Blocks of an AMI text that are not appended: greetings, responses, and the events that belong to a response. */
  readonly skipped?: number;
}

/** The relay's response to a failed call (RFC 9457). */
export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  /** Stable, for programs. */
  readonly code: string;
  readonly detail: string;
  /** The request's mistakes, each with its place. */
  readonly errors?: readonly { readonly at: string; readonly error: string }[];
  readonly refused?: readonly Refusal[];
}
