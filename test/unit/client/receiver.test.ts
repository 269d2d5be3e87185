import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { parseWebhook, verifyWebhook, WebhookRefusedError } from "../../../client/index.ts";

const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
const other = `whsec_${Buffer.alloc(32, 2).toString("base64")}`;
const stasis = (sequence: number) => ({ sequence, type: "A", timestamp: "t", event: { type: "A" } });
const request = {
  feed: "pbx",
  session: "ses_1",
  epoch: 1,
  first: 3,
  last: 5,
  previous: 2,
  messages: [stasis(3), stasis(5)],
};
const body = JSON.stringify(request);

function headersOf(text: string, by: readonly string[] = [secret], at = new Date()): Record<string, string> {
  return {
    "webhook-id": "batch-1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": by.map((each) => new Webhook(each).sign("batch-1", at, text)).join(" "),
  };
}

function statusOf(read: () => unknown): number | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof WebhookRefusedError) return error.status;
    throw error;
  }
}

describe("a webhook request", () => {
  it("is verified and parsed, with the headers of Node or of a Request", () => {
    const headers = headersOf(body);
    expect(verifyWebhook(secret, headers, body)).toEqual({ id: "batch-1", request });
    expect(verifyWebhook(secret, new Headers(headers), body)).toEqual({ id: "batch-1", request });
  });

  it("is verified by the old and the new secret while both sign", () => {
    const headers = headersOf(body, [other, secret]);
    expect(verifyWebhook(secret, headers, body).id).toBe("batch-1");
    expect(verifyWebhook(other, headers, body).id).toBe("batch-1");
  });

  it.each([
    ["signed with another secret", headersOf(body, [other]), body],
    ["whose body was changed", headersOf(body), body.replace('"epoch":1', '"epoch":2')],
    ["that is too old", headersOf(body, [secret], new Date(Date.now() - 6 * 60_000)), body],
    ["from the future", headersOf(body, [secret], new Date(Date.now() + 6 * 60_000)), body],
    ["with another id", { ...headersOf(body), "webhook-id": "batch-2" }, body],
    ["without a signature", { "webhook-id": "batch-1", "webhook-timestamp": "1" }, body],
    ["without headers", {}, body],
  ])("%s is refused", (_, headers, text) => {
    expect(statusOf(() => verifyWebhook(secret, headers, text))).toBe(401);
  });

  it("is refused when it is signed but malformed", () => {
    expect(statusOf(() => verifyWebhook(secret, headersOf("[]"), "[]"))).toBe(400);
  });

  it("needs a usable secret", () => {
    expect(() => verifyWebhook("", headersOf(body), body)).toThrow("Secret");
  });
});

describe("the body of a webhook request", () => {
  it.each([
    [
      "AMI messages",
      {
        ...request,
        messages: [3, 5].map((sequence) => ({
          ...stasis(sequence),
          event: undefined,
          text: "Event: A",
          fields: { Event: "A", X: ["1", "2"] },
        })),
      },
    ],
    ["a gap: one message, numbered as the last missing one", { ...request, messages: [stasis(5)] }],
    ["unknown fields", { ...request, later: 1 }],
  ])("may hold %s", (_, value) => {
    expect(parseWebhook(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value)));
  });

  it("keeps every key of an event", () => {
    const event = '{"type":"A","__proto__":{"x":1},"constructor":2,"10":3}';
    const [only] = parseWebhook(
      `{"feed":"pbx","session":"s","epoch":1,"first":1,"last":1,"previous":0,"messages":[{"sequence":1,"type":"A","timestamp":"t","event":${event}}]}`,
    ).messages;
    expect(JSON.stringify(only && "event" in only && only.event)).toBe(JSON.stringify(JSON.parse(event)));
    expect(Object.hasOwn(JSON.parse(JSON.stringify(only)).event, "__proto__")).toBe(true);
  });

  it.each([
    ["text that is not JSON", "{"],
    ["JSON that is not an object", "7"],
    ["a field missing", JSON.stringify({ ...request, previous: undefined })],
    ["no messages", JSON.stringify({ ...request, messages: [] })],
    ["a malformed message", JSON.stringify({ ...request, messages: [stasis(3), { sequence: 5 }] })],
    ["a string in place of a number", JSON.stringify({ ...request, last: "5" })],
    ["messages in the wrong order", JSON.stringify({ ...request, messages: [stasis(5), stasis(3)] })],
    ["a message twice", JSON.stringify({ ...request, messages: [stasis(3), stasis(5), stasis(5)] })],
    ["a message before the first", JSON.stringify({ ...request, messages: [stasis(2), stasis(5)] })],
    ["another last message", JSON.stringify({ ...request, messages: [stasis(3), stasis(4)] })],
    ["previous above first", JSON.stringify({ ...request, previous: 3 })],
  ])("is refused with %s", (_, text) => {
    expect(statusOf(() => parseWebhook(text))).toBe(400);
  });
});
