import { createHmac, randomBytes } from "node:crypto";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { RelayError } from "../../../shared/errors.ts";
import { newSecret, sign } from "../../../shared/webhook/signature.ts";

const SECRET = newSecret(randomBytes);
const OTHER = newSecret(randomBytes);
const BODY = '{"feed":"pbx-1","text":"Grüße 🎉"}';
const bytes = Buffer.from(BODY);
/** Cut within a character. */
const PIECES = [bytes.subarray(0, 27), bytes.subarray(27)];

describe("sign", () => {
  it("makes a signature that a receiver's library verifies", () => {
    const headers = sign([SECRET], "msg_1", Date.now(), PIECES);
    expect(new Webhook(SECRET).verify(BODY, headers)).toEqual(JSON.parse(BODY));
  });

  it("makes a signature that verifies with the old and the new secret during a rotation", () => {
    const headers = sign([SECRET, OTHER], "msg_1", Date.now(), PIECES);
    expect(headers["webhook-signature"].split(" ")).toHaveLength(2);
    expect(new Webhook(SECRET).verify(BODY, headers)).toBeDefined();
    expect(new Webhook(OTHER).verify(BODY, headers)).toBeDefined();
  });

  it("makes a signature that does not verify with another secret, body, id or time", () => {
    const headers = sign([SECRET], "msg_1", Date.now(), PIECES);
    const refused = WebhookVerificationError;
    expect(() => new Webhook(OTHER).verify(BODY, headers)).toThrow(refused);
    expect(() => new Webhook(SECRET).verify(`${BODY} `, headers)).toThrow(refused);
    expect(() => new Webhook(SECRET).verify(BODY, { ...headers, "webhook-id": "msg_2" })).toThrow(refused);
    const later = String(Number(headers["webhook-timestamp"]) + 1);
    expect(() => new Webhook(SECRET).verify(BODY, { ...headers, "webhook-timestamp": later })).toThrow(
      refused,
    );
  });

  it("signs id, seconds and body as the specification says", () => {
    const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
    const expected = createHmac("sha256", key).update(`msg_1.1700000000.${BODY}`).digest("base64");
    expect(sign([SECRET], "msg_1", 1_700_000_000_999, PIECES)).toEqual({
      "webhook-id": "msg_1",
      "webhook-timestamp": "1700000000",
      "webhook-signature": `v1,${expected}`,
    });
  });

  it.each([
    ["no secret", []],
    ["an empty secret", ["whsec_"]],
    ["a secret that is not base64", ["whsec_not base64!"]],
  ])("throws a relay error for %s that does not contain the secret", (_name, secrets) => {
    const attempt = () => sign(secrets, "msg_1", 0, PIECES);
    expect(attempt).toThrow(RelayError);
    expect(attempt).toThrow(expect.objectContaining({ code: "secret.invalid", cause: undefined }));
    expect(attempt).not.toThrow(/not base64!/);
  });
});

describe("newSecret", () => {
  it("is whsec_ and the base64 of 32 random bytes", () => {
    const sizes: number[] = [];
    const secret = newSecret((size) => {
      sizes.push(size);
      return new Uint8Array(size).fill(7);
    });
    expect(sizes).toEqual([32]);
    expect(secret).toBe(`whsec_${Buffer.alloc(32, 7).toString("base64")}`);
  });
});
