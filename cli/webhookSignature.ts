import { createHmac } from "node:crypto";

/** `whsec_` and base64; what Standard Webhooks calls a symmetric secret. */
const SECRET = /^(?:whsec_)?(?<base64>[A-Za-z0-9+/]{4,1000}={0,2})$/;

export function isWebhookSecret(text: string): boolean {
  return SECRET.test(text);
}

/** The bytes of a signature of version 1 (Standard Webhooks 1.0). @throws RangeError when the secret is none */
export function signatureOf(
  secret: string,
  id: string,
  timestampSeconds: string,
  body: Uint8Array | string,
): Buffer {
  const { base64 } = SECRET.exec(secret)?.groups ?? {};
  // Without the secret in the message.
  if (base64 === undefined) throw new RangeError("a secret is whsec_ and base64");
  const key = Buffer.from(base64, "base64");
  return createHmac("sha256", key).update(`${id}.${timestampSeconds}.`).update(body).digest();
}
