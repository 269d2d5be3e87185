import { gzipSync } from "node:zlib";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import type { ReceivedWebhook } from "../../../client/index.ts";
import { NodeReceiver, verified } from "../../../client/nodeReceiver.ts";

const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
const body = JSON.stringify({
  feed: "pbx",
  session: "ses_1",
  epoch: 1,
  first: 1,
  last: 1,
  previous: 0,
  messages: [{ sequence: 1, type: "A", timestamp: "t", event: { text: "é\u{1F4DE}" } }],
});

function signatureOf(text: string): Record<string, string> {
  const at = new Date();
  return {
    "webhook-id": "batch-1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign("batch-1", at, text),
  };
}

function post(receiver: NodeReceiver, text: string, signed = text): Promise<Response> {
  return fetch(receiver.url("/calls?a=b"), { method: "POST", headers: signatureOf(signed), body: text });
}

function postBytes(receiver: NodeReceiver, encoding: string, bytes: Buffer<ArrayBuffer>): Promise<Response> {
  const headers = { ...signatureOf(body), "content-encoding": encoding };
  return fetch(receiver.url("/"), { method: "POST", headers, body: bytes });
}

describe("a receiver in Node", () => {
  it("passes each request to `answer`, and sends the response that it returns", async () => {
    const got: unknown[] = [];
    await using receiver = await NodeReceiver.start({
      answer: ({ path, headers, body: text }) => {
        got.push(path, headers["webhook-id"], text);
        return { status: 503, headers: { "retry-after": "7" } };
      },
    });
    const answer = await post(receiver, body);
    expect([answer.status, answer.headers.get("retry-after"), await answer.text()]).toEqual([503, "7", ""]);
    expect(got).toEqual(["/calls?a=b", "batch-1", body]);
  });

  it("reads no more of a body than the limit", async () => {
    let calls = 0;
    await using receiver = await NodeReceiver.start({
      maxBodyBytes: 1000,
      answer: () => {
        calls += 1;
        return { status: 204 };
      },
    });
    expect((await post(receiver, "x".repeat(1000))).status).toBe(204);
    expect((await post(receiver, "x".repeat(1001))).status).toBe(413);
    // The connection may close before the whole body is sent, and then the response is lost.
    await post(receiver, "x".repeat(5_000_000)).catch(() => {});
    expect((await post(receiver, "")).status).toBe(204);
    expect(calls).toBe(2);
  });

  it("inflates a body, whose signature is that of the text", async () => {
    const stored: ReceivedWebhook[] = [];
    await using receiver = await NodeReceiver.start({
      answer: verified(secret, (webhook) => void stored.push(webhook)),
    });
    expect((await postBytes(receiver, "gzip", gzipSync(body))).status).toBe(204);
    expect(stored).toEqual([{ id: "batch-1", request: JSON.parse(body) }]);
  });

  it.each([
    ["inflates to more than the limit", "gzip", gzipSync(Buffer.alloc(1_001)), 413, /more than 1000 bytes/],
    ["is cut", "gzip", gzipSync(body).subarray(0, 50), 400, /not gzip/],
    ["has another encoding", "br", Buffer.from(body), 415, /neither gzip nor identity/],
  ])("refuses a body that %s, and says so", async (_what, encoding, bytes, status, message) => {
    await using receiver = await NodeReceiver.start({
      maxBodyBytes: 1000,
      answer: () => Promise.reject(new Error("not called")),
    });
    const answer = await postBytes(receiver, encoding, bytes);
    expect([answer.status, await answer.text()]).toEqual([status, expect.stringMatching(message)]);
  });

  it("closes even with unanswered requests", async () => {
    const arrived = Promise.withResolvers<void>();
    const receiver = await NodeReceiver.start({
      answer: () => {
        arrived.resolve();
        return new Promise(() => {});
      },
    });
    const hanging = expect(post(receiver, body)).rejects.toThrow("fetch failed");
    await arrived.promise;
    await receiver[Symbol.asyncDispose]();
    await hanging;
  });
});

describe("a verified request", () => {
  it("is answered with 204 once stored, with 401 for a wrong signature, with 400 for a wrong body", async () => {
    const stored: ReceivedWebhook[] = [];
    await using receiver = await NodeReceiver.start({
      answer: verified(secret, (webhook) => void stored.push(webhook)),
    });
    expect((await post(receiver, body)).status).toBe(204);
    expect((await post(receiver, body, "something else")).status).toBe(401);
    expect((await post(receiver, "{}")).status).toBe(400);
    expect(stored).toEqual([{ id: "batch-1", request: JSON.parse(body) }]);
  });

  it("is handled after the previous one, even if both arrive at once and the previous one fails", async () => {
    const released = Promise.withResolvers<void>();
    const steps: string[] = [];
    let handled = 0;
    const answer = verified(secret, async () => {
      handled += 1;
      const own = handled;
      steps.push(`begins ${own}`);
      if (own === 1) await released.promise;
      steps.push(`ends ${own}`);
      if (own === 1) throw new Error("the first one fails");
    });
    const raw = { path: "/", headers: signatureOf(body), body };
    const both = Promise.allSettled([answer(raw), answer(raw)]);
    released.resolve();
    expect((await both).map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect(steps).toEqual(["begins 1", "ends 1", "begins 2", "ends 2"]);
  });

  it("is answered with 500 when it cannot be stored, so that the relay retries it", async () => {
    const full = new Error("the disk is full");
    const errors: unknown[] = [];
    await using receiver = await NodeReceiver.start({
      answer: verified(secret, () => Promise.reject(full)),
      onError: (error) => errors.push(error),
    });
    expect((await post(receiver, body)).status).toBe(500);
    expect(errors).toEqual([full]);
  });
});
