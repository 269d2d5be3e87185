import type { MessageFormat } from "../queue/message.ts";
import type { SessionFilter } from "./selection.ts";

/** A session's configuration, by kind. Its position is in its cursor. */
export type Session = WebhookSession;

export type SessionKind = Session["kind"];

/** The settings common to all kinds. */
interface AnySession {
  readonly session: string;
  readonly feed: string;
  readonly createdAtEpochMillis: number;
}

/** A session that posts its messages to a URL. */
export interface WebhookSession extends AnySession {
  readonly kind: "webhook";
  readonly url: string;
  readonly format: MessageFormat;
  /** The most messages in one request. */
  readonly maxBatch: number;
  readonly filter?: SessionFilter | undefined;
  /** Newest first. */
  readonly secrets: readonly SessionSecret[];
}

export interface SessionSecret {
  /** Encrypted in the table when an encryption key is configured. Only deliver decrypts it. */
  readonly secret: string;
  /** Until then an old secret signs together with its successor; absent for the current secret. */
  readonly expiresAtEpochMillis?: number | undefined;
}

/** Older secrets are dropped. */
const KEPT_SECRETS = 5;

/** Puts a new secret first. The previous secret keeps signing for `overlapMillis`. */
export function rotateSecret(
  secrets: readonly SessionSecret[],
  secret: string,
  overlapMillis: number,
  nowEpochMillis: number,
): SessionSecret[] {
  const kept = secrets
    .filter(({ expiresAtEpochMillis }) => (expiresAtEpochMillis ?? Number.POSITIVE_INFINITY) > nowEpochMillis)
    .map((old) => ({
      ...old,
      expiresAtEpochMillis: old.expiresAtEpochMillis ?? nowEpochMillis + overlapMillis,
    }));
  return [{ secret }, ...kept].slice(0, KEPT_SECRETS);
}

/** The secrets that sign now. */
export function signingSecrets(secrets: readonly SessionSecret[], nowEpochMillis: number): string[] {
  return secrets
    .filter(({ expiresAtEpochMillis }) => (expiresAtEpochMillis ?? Number.POSITIVE_INFINITY) > nowEpochMillis)
    .map(({ secret }) => secret);
}
