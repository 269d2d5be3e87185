import { isEqual, md5 } from "../protocol/proof.ts";

/** Asterisk: main/manager.c, `global_realm`. */
const REALM = "asterisk";

/** An Authorization header of the Digest scheme (RFC 2617, and RFC 2069 without `qop`). */
export interface Digest {
  readonly username: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly qop: string | undefined;
  readonly cnonce: string;
  /** The nonce count, in hexadecimal digits. */
  readonly count: string;
}

const MAX_HEADER_CHARACTERS = 4096;

/** Undefined when it is missing, malformed or for another realm. */
export function readDigest(header: string | undefined): Digest | undefined {
  if (header === undefined || header.length > MAX_HEADER_CHARACTERS || !/^digest\s/i.test(header))
    return undefined;
  const values = new Map<string, string>();
  for (const [, name = "", quoted, bare] of header
    .slice("digest".length)
    .matchAll(/\s*([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*,?/g))
    values.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "");
  const [username, nonce, uri, response] = ["username", "nonce", "uri", "response"].map((name) =>
    values.get(name),
  );
  if (!username || !nonce || !uri || !response || values.get("realm") !== REALM) return undefined;
  return {
    username,
    nonce,
    uri,
    response,
    qop: values.get("qop"),
    cnonce: values.get("cnonce") ?? "",
    count: values.get("nc") ?? "",
  };
}

/** Whether the digest was made with the secret. Texts are bytes, one character for each. */
export function isDigestRight(digest: Digest, method: string, secret: string): boolean {
  const user = md5(`${digest.username}:${REALM}:${secret}`);
  const request = md5(`${method}:${digest.uri}`);
  const expected =
    digest.qop === undefined
      ? md5(`${user}:${digest.nonce}:${request}`)
      : md5(`${user}:${digest.nonce}:${digest.count}:${digest.cnonce}:auth:${request}`);
  return isEqual(digest.response.toLowerCase(), expected);
}

/** The header that asks for a digest. */
export function digestChallenge(nonce: string, isStale: boolean): string {
  const stale = isStale ? ", stale=true" : "";
  return `Digest algorithm=MD5, realm="${REALM}", nonce="${nonce}", qop="auth", opaque="${nonce}"${stale}`;
}
