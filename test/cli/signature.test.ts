import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { judgeSignature } from "../../cli/signatureVerdict.ts";

const SECRET = `whsec_${Buffer.from("a secret of twenty-four bytes").toString("base64")}`;
const BODY = '{"feed":"pbx-1","messages":[]}';
const NOW = Date.UTC(2026, 10, 27, 8, 0, 0);

function judged(
  changes: {
    body?: string;
    secret?: string;
    timestamp?: string;
    signature?: string;
    laterMillis?: number;
  } = {},
) {
  const { body = BODY, secret = SECRET, timestamp = String(NOW / 1000), laterMillis = 0 } = changes;
  const { signature = new Webhook(SECRET).sign("msg_1", new Date(NOW), BODY) } = changes;
  return judgeSignature({
    secret,
    id: "msg_1",
    timestamp,
    signature,
    body: Buffer.from(body),
    nowEpochMillis: NOW + laterMillis,
  });
}

describe("verify-signature", () => {
  it("accepts what the secret has signed, also beside other signatures", () => {
    expect(judged()).toMatchObject({ isValid: true, code: "ok" });
    const both = `v1,AAAA ${new Webhook(SECRET).sign("msg_1", new Date(NOW), BODY)} v1a,xyz`;
    expect(judged({ signature: both })).toMatchObject({ isValid: true, code: "ok" });
  });

  it.each([
    ["a line end too much", { body: `${BODY}\n` }, "body-changed", "without its last line end"],
    [
      "a body that was formatted",
      { body: JSON.stringify(JSON.parse(BODY), null, 2) },
      "body-changed",
      "formatted",
    ],
    [
      "another secret",
      { secret: `whsec_${Buffer.from("another one").toString("base64")}` },
      "other-secret",
      "another",
    ],
    ["another body", { body: "{}" }, "other-secret", "another"],
    ["another timestamp", { timestamp: "1795000000" }, "other-secret", "another"],
    ["a timestamp that is none", { timestamp: "2026-11-27" }, "timestamp", "number of seconds"],
    ["no signature", { signature: "v2,AAAA" }, "no-signature", "version 1"],
    ["an old request", { laterMillis: 301_000 }, "stale", "5 min 1 s old"],
    ["a request from the future", { laterMillis: -301_000 }, "stale", "5 min 1 s ahead"],
  ] as const)("names %s", (_, changes, code, says) => {
    expect(judged(changes)).toMatchObject({
      isValid: false,
      code,
      explanation: expect.stringContaining(says),
    });
  });
});
