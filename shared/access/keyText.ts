import { createHash, timingSafeEqual } from "node:crypto";

/*
 * The text of a key: `srk_` (stasis-relay key), the key's id, and a random secret of 256 bits. The prefix is for scanners
 * that look for leaked secrets. The id is no secret: it finds the row, so the row needs no index over secrets.
 *
 * The row holds SHA-256 of the text. A slow hash with a salt (argon2, bcrypt) protects passwords, which people choose and
 * attackers guess. Nobody can guess 256 random bits, however fast the hash is, and no two keys are the same.
 */

const TEXT = /^srk_(?<id>[0-9a-f]{24})_[A-Za-z0-9_-]{43}$/;

const ID_BYTES = 12;
const SECRET_BYTES = 32;

export interface NewKeyText {
  readonly id: string;
  /** Shown to the caller once and kept nowhere. */
  readonly text: string;
  readonly hash: string;
}

/** @param randomBytes from node:crypto */
export function newKeyText(randomBytes: (size: number) => Buffer): NewKeyText {
  const id = randomBytes(ID_BYTES).toString("hex");
  const text = `srk_${id}_${randomBytes(SECRET_BYTES).toString("base64url")}`;
  return { id: `key_${id}`, text, hash: digest(text).toString("hex") };
}

/** The id in a key's text; undefined when the text is no key of this form. It does not say that the key exists. */
export function keyIdIn(text: string): string | undefined {
  const id = TEXT.exec(text)?.groups?.id;
  return id === undefined ? undefined : `key_${id}`;
}

/** Compares digests of equal length in constant time, so the response time reveals nothing about the key. */
export function isTextOf(hash: string, text: string): boolean {
  const stored = Buffer.from(hash, "hex");
  const given = digest(text);
  return stored.length === given.length && timingSafeEqual(stored, given);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
