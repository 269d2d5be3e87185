/**
 * What the HTTP interface takes and answers. The relay checks requests with schemas of its own; a test holds these types
 * equal to them.
 */

/** `stasis`: each message as the event that Asterisk sent. `ami`: as the text and fields that Manager makes of it. */
export type MessageFormat = "stasis" | "ami";

/** The next message, the first one still held, or a sequence number. */
export type Position = "tail" | "head" | number;

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

/** Which messages a session gets: those that pass every part. It must name at least one. */
export interface Filter {
  /** Stasis event types. */
  readonly types?: readonly string[];
  /** AMI read classes: a list, or a text as in manager.conf. */
  readonly read?: string | readonly ReadClass[];
  /** AMI event names. */
  readonly events?: readonly string[];
  /** AMI event filters as in manager.conf. */
  readonly eventFilters?: readonly string[];
}

export interface NewSession {
  readonly feed: string;
  readonly kind?: "webhook";
  readonly url: string;
  /** `stasis` if absent. */
  readonly format?: MessageFormat;
  /** `tail` if absent. */
  readonly from?: Position;
  /** Messages in one request, at most; 100 if absent. */
  readonly maxBatch?: number;
  readonly filter?: Filter;
}

export interface SessionChange {
  readonly url?: string;
  /** null removes the filter. */
  readonly filter?: Filter | null;
  readonly maxBatch?: number;
  /** `active` resumes a paused or suspended session where it stood, and ends a backoff. */
  readonly state?: "paused" | "active";
  /** Seek: the next message that the session gets. */
  readonly next?: Position;
  /** Makes a new secret. The old one goes on signing beside it for a while. */
  readonly rotateSecret?: true;
}

export interface Session {
  readonly id: string;
  readonly feed: string;
  readonly kind: "webhook";
  readonly url: string;
  readonly format: MessageFormat;
  readonly maxBatch: number;
  readonly filter: Filter | null;
  readonly state: "active" | "backoff" | "paused" | "suspended";
  /** The first message that the session has not got. */
  readonly next: number;
  readonly lagMessages: number;
  readonly lagSeconds: number;
  /** Failures in a row. */
  readonly attempts: number;
  readonly lastError: {
    readonly reason: string;
    readonly detail: string;
    readonly status?: number;
    readonly at: string;
  } | null;
  readonly lastDelivery: string | null;
  readonly createdAt: string;
  /** The durable row behind the session, for those who look for a fault. */
  readonly cursor: {
    readonly state: "parked" | "signalled" | "active" | "backoff" | "paused" | "suspended";
    readonly segment: number;
    readonly fence: number;
    readonly lane: "fast" | "slow";
    readonly leaseUntil: string | null;
    readonly dueAt: string | null;
    readonly gap: { readonly first: number; readonly last: number; readonly reason: string } | null;
  };
}

export interface CreatedSession extends Session {
  /** Signs the session's requests. Not shown again. */
  readonly secret: string;
}

export interface ChangedSession extends Session {
  /** The new secret, after a rotation. */
  readonly secret?: string;
}

/** One page of sessions. */
export interface SessionList {
  readonly sessions: readonly Session[];
  /** Where the next page begins; absent on the last one. */
  readonly after?: string;
}

export interface Feed {
  readonly feed: string;
  /** The first sequence number still held. */
  readonly head: number;
  /** The last sequence number appended; 0 for none. */
  readonly tail: number;
  readonly segmentSize: number;
  readonly wrapUnmapped?: true;
  readonly segments: readonly {
    readonly segment: number;
    readonly messages: number;
    /** Sessions that stand in the segment. */
    readonly references: number;
  }[];
}

export interface FeedChange {
  /** Whether events that Manager does not know become a UserEvent named `ARI-<type>`. */
  readonly wrapUnmapped: boolean;
}

export interface MessagesQuery {
  readonly format?: MessageFormat;
  /** The first message still held if absent. */
  readonly from?: number;
  /** 100 if absent, 1000 at most. */
  readonly limit?: number;
}

export interface MessageList {
  readonly feed: string;
  readonly messages: readonly Message[];
  /** Where to read on. */
  readonly next: number;
  /** Numbers that were asked for and are no longer held. */
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
  /** Its fields by name; repeated fields are arrays. */
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  /** What `text` was read as when Asterisk's bytes are not UTF-8. */
  readonly charset?: string | undefined;
  /** The bytes of `text` as Asterisk sent them, when they are not UTF-8. */
  readonly base64?: string | undefined;
}

export type Message = StasisMessage | AmiMessage;

/** The body of a request that a webhook gets. */
export interface WebhookRequest {
  readonly feed: string;
  readonly session: string;
  /** Grows whenever another process takes the session over. */
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  /** The last number that was sent to this session before `first`. */
  readonly previous: number;
  readonly messages: readonly Message[];
}

/** An event that was refused, by its index in the request. */
export interface Refusal {
  readonly index: number;
  readonly error: string;
}

export interface AppendResult {
  /** The numbers of the first and the last event; null when the events are no longer held. */
  readonly first: number | null;
  readonly last: number | null;
  readonly accepted: number;
  /** Events that were appended before. They keep their first numbers. */
  readonly duplicates: number;
  readonly refused: readonly Refusal[];
  /** Of an AMI text: blocks that are not appended: greetings, responses, and the events that belong to a response. */
  readonly skipped?: number;
}

/** What the relay answers in place of success (RFC 9457). */
export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  /** Stable, for programs. */
  readonly code: string;
  readonly detail: string;
  /** Where the request is wrong, one entry per place. */
  readonly errors?: readonly { readonly at: string; readonly error: string }[];
  readonly refused?: readonly Refusal[];
}
