import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DeliveryCheck } from "../../local/demo/deliveryCheck.ts";
import { type Receiver, startReceiver } from "../../local/demo/receiver.ts";

const secret = `whsec_${randomBytes(32).toString("base64")}`;
const body = JSON.stringify({
  feed: "demo",
  session: "ses_1",
  epoch: 2,
  first: 1,
  last: 1,
  previous: 0,
  messages: [{ sequence: 1, type: "Event", timestamp: "", event: { type: "Event" } }],
});

let receiver: Receiver;
let check: DeliveryCheck;

beforeEach(async () => {
  receiver = await startReceiver({ name: "test", delayMillis: 0 });
  check = new DeliveryCheck(1);
  check.expect(1, '{"type":"Event"}');
});

afterEach(() => receiver.close());

async function post(text: string, signed: { by?: string; at?: Date } = {}): Promise<number> {
  const { by = secret, at = new Date() } = signed;
  const response = await fetch(receiver.url, {
    method: "POST",
    body: text,
    headers: {
      "webhook-id": "batch-1",
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": new Webhook(by).sign("batch-1", at, body),
    },
  });
  return response.status;
}

it("accepts a request with a valid signature", async () => {
  receiver.subscribe({ secret, check });
  expect(await post(body)).toBe(200);
  expect(check.report()).toMatchObject({ delivered: 1, badSignatures: 0 });
});

it("refuses a wrong secret, a changed body and an old timestamp", async () => {
  receiver.subscribe({ secret, check });
  expect(await post(body, { by: `whsec_${randomBytes(32).toString("base64")}` })).toBe(401);
  expect(await post(body.replace('"previous":0', '"previous":1'))).toBe(401);
  expect(await post(body, { at: new Date(Date.now() - 6 * 60_000) })).toBe(401);
  expect(check.report()).toMatchObject({ delivered: 0, badSignatures: 3 });
});

it("accepts nothing before it knows the secret", async () => {
  expect(await post(body)).toBe(503);
});
