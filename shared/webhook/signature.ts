import { Webhook } from "standardwebhooks";
import { RelayError } from "../errors.ts";

/** Bytes of a new secret. Standard Webhooks asks for 24 to 64. */
const SECRET_BYTES = 32;

export type SignatureHeaders = Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>;

/**
 * The three headers that prove to a receiver that the relay sent the request (Standard Webhooks 1.0). Every secret
 * signs, so during a rotation a receiver may hold the old secret or the new one.
 *
 * @param secrets each `whsec_` + base64; at least one.
 * @throws RelayError `secret.invalid` when there is no secret or one is not base64.
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

/** A new secret in the standard form, which every Standard Webhooks library reads. */
export function newSecret(randomBytes: (size: number) => Uint8Array): string {
  return `whsec_${Buffer.from(randomBytes(SECRET_BYTES)).toString("base64")}`;
}

function readSecret(secret: string): Webhook {
  try {
    return new Webhook(secret);
  } catch {
    // Without the cause: the library's message may contain the secret and must not reach a log.
    throw new RelayError("secret.invalid", "a secret is not whsec_ followed by base64");
  }
}
