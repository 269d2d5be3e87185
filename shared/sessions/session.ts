import type { MessageFormat } from "../queue/message.ts";
import type { SessionFilter } from "./selection.ts";

/** What a person configures of a session, by kind. Where it stands is in its cursor. */
export type Session = WebhookSession;

export type SessionKind = Session["kind"];

/** What sessions of every kind have. */
interface AnySession {
  readonly session: string;
  readonly feed: string;
  readonly createdAtEpochMillis: number;
}

/** A session whose messages are posted to a URL. */
export interface WebhookSession extends AnySession {
  readonly kind: "webhook";
  readonly url: string;
  readonly format: MessageFormat;
  /** Messages in one request. */
  readonly maxBatch: number;
  readonly filter?: SessionFilter | undefined;
  /** Newest first. */
  readonly secrets: readonly SessionSecret[];
}

export interface SessionSecret {
  /** In the table it is encrypted where there is a key for that; only deliver sees it as it signs. */
  readonly secret: string;
  /** Signs until then, beside its successor; absent for the current one. */
  readonly expiresAtEpochMillis?: number | undefined;
}

/** Older secrets than these have signed long enough. */
const KEPT_SECRETS = 5;

/** Puts a new secret in front; the one before it goes on signing for `overlapMillis`. */
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
