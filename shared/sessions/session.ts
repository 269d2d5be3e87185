import type { MessageFormat } from "../queue/message.ts";
import type { SessionFilter } from "./selection.ts";

/** A session's configuration, by kind. Its position is in its cursor. */
export type Session = WebhookSession | AmiSession;

export type SessionKind = Session["kind"];

/** The settings common to all kinds. */
interface AnySession {
  readonly session: string;
  readonly feed: string;
  readonly createdAtEpochMillis: number;
  /** Of a session that was created with an Idempotency-Key, until its secret is rotated. */
  readonly idempotency?: SessionIdempotency | undefined;
}

/** By this the api recognises the request that created a session, and answers it again (functions/api/idempotency.ts). */
export interface SessionIdempotency {
  readonly salt: string;
  /** A keyed hash of the request. */
  readonly proof: string;
  readonly untilEpochMillis: number;
}

export type Compression = "gzip";

/** A session that posts its messages to a URL. */
export interface WebhookSession extends AnySession {
  readonly kind: "webhook";
  /** The group that holds its cursor; absent while the session has a row of its own. */
  readonly group?: string | undefined;
  readonly url: string;
  readonly format: MessageFormat;
  /** The most messages in one request. */
  readonly maxBatch: number;
  readonly filter?: SessionFilter | undefined;
  /** How requests are compressed; not at all if absent, as in rows of earlier versions. */
  readonly compress?: Compression | undefined;
  /** Newest first. */
  readonly secrets: readonly SessionSecret[];
}

/** A user of the AMI gateway. Its connections follow the feed by themselves. */
export interface AmiSession extends AnySession {
  readonly kind: "ami";
  /** Unique in a relay. Upper and lower case count as the same, as in Manager (`usernameKey`). */
  readonly username: string;
  /** Read classes, as in `read =` of manager.conf. */
  readonly read: string;
  /** Event filters, as in `eventfilter =` of manager.conf. */
  readonly eventFilters: readonly string[];
  /** Whether the user goes on where its last connection was. Only then does it have a cursor and a reference. */
  readonly resume: boolean;
  /** What a second login does while another connection holds the user's position. */
  readonly multipleLogin: "refuse" | "take-over";
  /** Whether every event has a `RelaySequence` header. */
  readonly sequenceHeader: boolean;
  /** A paused user cannot log in. */
  readonly isPaused: boolean;
  /** Grows with every change, so that two changes cannot overwrite each other. Connections of an older version end. */
  readonly version: number;
  /** Newest first. All of them can log in. */
  readonly secrets: readonly SessionSecret[];
}

/** The form of a username by which users are told apart. Asterisk: main/manager.c, `get_manager_by_name_locked`. */
export function usernameKey(username: string): string {
  // strcasecmp folds ASCII letters and nothing else.
  return username.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

export interface SessionSecret {
  /** Encrypted in the table when an encryption key is configured. Only deliver and the AMI gateway decrypt it. */
  readonly secret: string;
  /** Until then an old secret signs together with its successor; absent for the current secret. */
  readonly expiresAtEpochMillis?: number | undefined;
}

/** Older secrets are dropped. */
const KEPT_SECRETS = 5;

/** Puts a new secret first. The others stay valid for `overlapMillis` at most. */
export function rotateSecret(
  secrets: readonly SessionSecret[],
  secret: string,
  overlapMillis: number,
  nowEpochMillis: number,
): SessionSecret[] {
  const longest = nowEpochMillis + overlapMillis;
  const kept = secrets
    .map((old) => ({ ...old, expiresAtEpochMillis: Math.min(old.expiresAtEpochMillis ?? longest, longest) }))
    .filter(({ expiresAtEpochMillis }) => expiresAtEpochMillis > nowEpochMillis);
  return [{ secret }, ...kept].slice(0, KEPT_SECRETS);
}

/** The secrets that are valid now. */
export function validSecrets(secrets: readonly SessionSecret[], nowEpochMillis: number): string[] {
  return secrets
    .filter(({ expiresAtEpochMillis }) => (expiresAtEpochMillis ?? Number.POSITIVE_INFINITY) > nowEpochMillis)
    .map(({ secret }) => secret);
}
