import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { LRUCache } from "lru-cache";

/** The keys of an engine's only caller. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Random at each start, so that nothing that knew an earlier engine can call this one. */
export function newCredentials(): Credentials {
  return {
    accessKeyId: `RELAY${randomBytes(12).toString("hex").toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString("base64url"),
  };
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(?<key>[^/]+)\/(?<date>\d{8})\/(?<region>[\w-]+)\/(?<service>\w+)\/aws4_request, ?SignedHeaders=(?<headers>[\w;-]+), ?Signature=(?<signature>[0-9a-f]{64})$/;

/**
 * Whether a `POST /` was signed with these credentials (AWS Signature Version 4). The time of the signature is not
 * compared: a clock that steps must not lock the relay out of its own engine.
 */
export function isSignedWith(
  { accessKeyId, secretAccessKey }: Credentials,
  request: { readonly headers: IncomingHttpHeaders; readonly body: Uint8Array },
): boolean {
  const { headers, body } = request;
  const parts = AUTHORIZATION.exec(headers.authorization ?? "")?.groups;
  const time = headers["x-amz-date"];
  if (parts === undefined || typeof time !== "string" || !isSame(parts.key ?? "", accessKeyId)) return false;
  const names = (parts.headers ?? "").split(";");
  if (!names.includes("host") || !names.includes("x-amz-date")) return false;

  const canonicalHeaders = names.map((name) => `${name}:${canonicalValue(headers[name])}\n`).join("");
  const canonicalRequest = ["POST", "/", "", canonicalHeaders, parts.headers, sha256(body)].join("\n");
  const scope = `${parts.date}/${parts.region}/${parts.service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonicalRequest)].join("\n");
  const expected = createHmac("sha256", signingKey(secretAccessKey, scope)).update(text).digest("hex");
  return isSame(parts.signature ?? "", expected);
}

/** Every call of a day is signed with the same key. */
const signingKeys = new LRUCache<string, Buffer>({ max: 16 });

function signingKey(secretAccessKey: string, scope: string): Buffer {
  const name = `${secretAccessKey}/${scope}`;
  const known = signingKeys.get(name);
  if (known !== undefined) return known;
  let key = Buffer.from(`AWS4${secretAccessKey}`);
  for (const part of scope.split("/")) key = createHmac("sha256", key).update(part).digest();
  signingKeys.set(name, key);
  return key;
}

function canonicalValue(value: string | string[] | undefined): string {
  return [value ?? ""].flat().join(",").trim().replaceAll(/ +/g, " ");
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** In constant time for each length. The lengths are no secret; in bytes, for a caller may send any letters. */
function isSame(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
