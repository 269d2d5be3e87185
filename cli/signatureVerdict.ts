import { isUtf8 } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import { lengthText } from "./output/times.ts";
import { signatureOf } from "./webhookSignature.ts";

export interface SignedRequest {
  /** `whsec_` and base64. */
  readonly secret: string;
  readonly id: string;
  /** Seconds, as the header has them. */
  readonly timestamp: string;
  /** The header with all its signatures. */
  readonly signature: string;
  readonly body: Uint8Array;
  readonly nowEpochMillis: number;
}

export interface SignatureVerdict {
  readonly isValid: boolean;
  /** `ok`, `stale`: signed, but too old or too new. The others say why it is not. */
  readonly code: "ok" | "stale" | "no-signature" | "body-changed" | "timestamp" | "other-secret";
  readonly explanation: string;
}

/** What Standard Webhooks lets a receiver accept. */
const TOLERANCE_SECONDS = 300;

/**
 * Judges a request as a receiver does (Standard Webhooks 1.0), and looks for what commonly goes wrong: a body that was
 * parsed and written again, a lost or an added line end, another secret.
 */
export function judgeSignature(request: SignedRequest): SignatureVerdict {
  const { secret, id, timestamp, body, nowEpochMillis } = request;
  if (!/^\d{1,12}$/.test(timestamp))
    return wrong("timestamp", "the webhook-timestamp is not a number of seconds, as the relay sends it.");
  const given = signaturesIn(request.signature);
  if (given.length === 0)
    return wrong("no-signature", "the webhook-signature has no signature of version 1: `v1,` and base64.");
  const matches = (candidate: Uint8Array) => {
    const expected = signatureOf(secret, id, timestamp, candidate);
    return given.some((each) => each.length === expected.length && timingSafeEqual(each, expected));
  };
  if (matches(body)) {
    const offSeconds = nowEpochMillis / 1000 - Number(timestamp);
    if (Math.abs(offSeconds) <= TOLERANCE_SECONDS)
      return { isValid: true, code: "ok", explanation: `${id} is signed with this secret.` };
    const off = offSeconds > 0 ? `${lengthText(offSeconds)} old` : `${lengthText(-offSeconds)} ahead`;
    return wrong(
      "stale",
      `the signature is right, but the request is ${off}. Receivers refuse what is more than five minutes off: is this machine's clock right?`,
    );
  }
  const change = changesOf(body).find(([candidate]) => matches(candidate));
  if (change !== undefined)
    return wrong(
      "body-changed",
      `the signature is right for the body ${change[1]}. Check the bytes as they came.`,
    );
  return wrong(
    "other-secret",
    "the signature is of another secret, id, timestamp or body. After a rotation, only the new secret signs in the end.",
  );
}

function wrong(code: SignatureVerdict["code"], explanation: string): SignatureVerdict {
  return { isValid: false, code, explanation };
}

function signaturesIn(header: string): Buffer[] {
  return header
    .split(" ")
    .filter((each) => each.startsWith("v1,"))
    .map((each) => Buffer.from(each.slice("v1,".length), "base64"));
}

/** What a body may have been before somebody changed it. */
function changesOf(body: Uint8Array): [Uint8Array, string][] {
  if (!isUtf8(body)) return [];
  const text = Buffer.from(body).toString("utf8");
  const bytes = (changed: string) => Buffer.from(changed, "utf8");
  const found: [Uint8Array, string][] = [
    [bytes(text.replace(/\r?\n$/, "")), "without its last line end"],
    [bytes(text.replace(/^\ufeff/, "")), "without its byte order mark"],
    [bytes(text.replaceAll("\r\n", "\n")), "with other line ends"],
  ];
  try {
    found.push([bytes(JSON.stringify(JSON.parse(text))), "before it was formatted anew"]);
  } catch {
    // Not JSON: nobody has formatted it.
  }
  return found;
}
