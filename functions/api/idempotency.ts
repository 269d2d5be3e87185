import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Caller } from "../../shared/access/caller.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import type { Session, SessionIdempotency } from "../../shared/sessions/session.ts";
import type { ApiParts } from "./parts.ts";
import type { NewAmiSession, NewWebhookSession } from "./schemas/newSessions.ts";

/*
 * A session that is created with an Idempotency-Key is created once. A second request gets the answer of the first one, with
 * the secret, which the api can seal and not open. So the secret is not kept but made again: from the caller's own key, which
 * the relay does not store, and a random salt in the session's row. Neither is enough alone.
 */

/** For so long, the same request gets the same answer. */
const REMEMBERED_MILLIS = 24 * 3_600_000;

/** What makes a request the same one as before. */
export interface IdempotentCall {
  /** The Idempotency-Key. */
  readonly key: string;
  /** The caller's bearer token. */
  readonly bearer: string;
  readonly caller: Caller;
}

/** What a session is born with. */
export interface Birth {
  readonly id: string;
  readonly secret: string;
  readonly idempotency?: SessionIdempotency | undefined;
}

type Wanted = NewWebhookSession | NewAmiSession;

/** The same for the same caller and key. */
export function sessionIdOf({ key, caller }: IdempotentCall): string {
  const who = caller.kind === "management" ? caller.kind : caller.key.id;
  return `ses_${createHash("sha256").update(`${who}\n${key}`).digest("hex").slice(0, 32)}`;
}

export function newBirth(parts: ApiParts, call: IdempotentCall, wanted: Wanted): Birth {
  const salt = parts.newSalt();
  return {
    id: sessionIdOf(call),
    secret: secretOf(parts, call, salt, wanted),
    idempotency: {
      salt,
      proof: proofOf(call, salt, wanted).toString("base64url"),
      untilEpochMillis: parts.clock.nowEpochMillis() + REMEMBERED_MILLIS,
    },
  };
}

/**
 * The secret of a session that this request has created before.
 * @throws HttpProblem 422 when the request is another one, 409 when the secret cannot be shown any more
 */
export function secretAgain(parts: ApiParts, session: Session, call: IdempotentCall, wanted: Wanted): string {
  const { idempotency } = session;
  if (idempotency === undefined || idempotency.untilEpochMillis < parts.clock.nowEpochMillis())
    throw new HttpProblem(
      409,
      "idempotency.used",
      `This Idempotency-Key has created ${session.session}. Its secret is not shown any more: a day has passed, or it was rotated.`,
    );
  const given = proofOf(call, idempotency.salt, wanted);
  const stored = Buffer.from(idempotency.proof, "base64url");
  if (given.length !== stored.length || !timingSafeEqual(given, stored))
    throw new HttpProblem(
      422,
      "idempotency.mismatch",
      "This Idempotency-Key was used with another body, or under a management key that was rotated since.",
    );
  return secretOf(parts, call, idempotency.salt, wanted);
}

function secretOf(parts: ApiParts, call: IdempotentCall, salt: string, wanted: Wanted): string {
  if (wanted.kind === "ami" && wanted.secret !== undefined) return wanted.secret;
  const bytes = derived(call, ["secret", salt]);
  return parts.newSecret(wanted.kind ?? "webhook", (size) => bytes.subarray(0, size));
}

/** Keyed like the secret, because a body may hold a secret that is short enough to be guessed. */
function proofOf(call: IdempotentCall, salt: string, wanted: Wanted): Buffer {
  return derived(call, ["proof", salt, JSON.stringify(wanted)]);
}

function derived({ bearer, key }: IdempotentCall, parts: readonly string[]): Buffer {
  return createHmac("sha256", bearer)
    .update(JSON.stringify([key, ...parts]))
    .digest();
}
