import { createHash, hash, timingSafeEqual } from "node:crypto";

/** What a client offers to prove that it knows the secret. */
export type LoginProof =
  | { readonly kind: "secret"; readonly secret: string }
  /** `key` is MD5(challenge + secret) in lower-case hexadecimal digits. */
  | { readonly kind: "challenge"; readonly challenge: string | undefined; readonly key: string };

/**
 * Whether the proof is right, in a time that tells nothing of the secret. Texts are bytes, one character for each. An
 * empty secret is never right.
 * Asterisk: main/manager.c, `authenticate`.
 */
export function isRight(proof: LoginProof, secret: string): boolean {
  if (proof.kind === "secret") return secret !== "" && isEqual(proof.secret, secret);
  if (proof.challenge === undefined || secret === "") return false;
  return isEqual(proof.key, md5(`${proof.challenge}${secret}`));
}

/** The MD5 of bytes, as hexadecimal digits. AMI's challenge and HTTP's digest authentication are defined with it. */
export function md5(bytes: string): string {
  return createHash("md5").update(bytes, "latin1").digest("hex");
}

/** Compares texts of any lengths in constant time. */
export function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}
