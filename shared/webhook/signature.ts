import { Webhook } from "standardwebhooks";
import { RelayError } from "../errors.ts";

/** Bytes of a new secret. Standard Webhooks asks for 24 to 64. */
const SECRET_BYTES = 32;

export type SignatureHeaders = Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>;

/**
 * The three headers by which a receiver proves that a request is ours (Standard Webhooks 1.0). Every secret
 * signs, so that a receiver may hold the old or the new one while a rotation is under way.
 *
 * @param secrets each `whsec_` + base64; at least one.
 * @throws RelayError `secret.invalid` when there is no secret or one of them is not base64.
 */
export function sign(
  secrets: readonly string[],
  id: string,
  timestampEpochMillis: number,
  body: string,
): SignatureHeaders {
  if (secrets.length === 0) throw new RelayError("secret.invalid", "there is no secret to sign with");
  const timestamp = new Date(timestampEpochMillis);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(timestampEpochMillis / 1000)),
    "webhook-signature": secrets.map((secret) => readSecret(secret).sign(id, timestamp, body)).join(" "),
  };
}

/** A new secret in the form that every Standard Webhooks library reads. */
export function newSecret(randomBytes: (size: number) => Uint8Array): string {
  return `whsec_${Buffer.from(randomBytes(SECRET_BYTES)).toString("base64")}`;
}

function readSecret(secret: string): Webhook {
  try {
    return new Webhook(secret);
  } catch {
    // Without the cause: a library's message about a secret has no place in a log.
    throw new RelayError("secret.invalid", "a secret is not whsec_ followed by base64");
  }
}
