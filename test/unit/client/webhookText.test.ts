import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type WebhookRefusedError, webhookText } from "../../../client/index.ts";

const text = '{"text":"Grüße 🎉"}';
const GZIP = { "content-encoding": "gzip" };
const bytesOf = (value: string) => new TextEncoder().encode(value);
const zip = (value: string | Buffer) => new Uint8Array(gzipSync(value));

function refusal(status: WebhookRefusedError["status"], message: RegExp) {
  return expect.objectContaining({
    name: "WebhookRefusedError",
    status,
    message: expect.stringMatching(message),
  });
}

describe("the text of a body", () => {
  it.each([
    ["gzip", GZIP, zip(text)],
    ["gzip in the headers of a Request", new Headers({ "Content-Encoding": "GZIP" }), zip(text)],
    ["no encoding", {}, bytesOf(text)],
    ["the encoding identity", { "content-encoding": "identity" }, bytesOf(text)],
  ])("is the same with %s", async (_what, headers, body) => {
    expect(await webhookText(headers, body)).toBe(text);
  });

  it("may be cut within a character where it is inflated in parts", async () => {
    const long = "🎉".repeat(100_000);
    expect(await webhookText(GZIP, zip(`x${long}`))).toBe(`x${long}`);
  });

  it("is refused when it inflates to more than the limit", async () => {
    const most = 1_000_000;
    expect(await webhookText(GZIP, zip(Buffer.alloc(most)), most)).toHaveLength(most);
    const bomb = zip(Buffer.alloc(most + 1));
    expect(bomb.length).toBeLessThan(1_100);
    await expect(webhookText(GZIP, bomb, most)).rejects.toEqual(
      refusal(413, /more than 1000000 bytes.*inflating/),
    );
  });

  it("stops inflating at the limit", async () => {
    const bomb = zip(Buffer.alloc(200 * 1024 * 1024));
    const before = process.memoryUsage();
    await expect(webhookText(GZIP, bomb)).rejects.toEqual(refusal(413, /more than 8388608 bytes/));
    const after = process.memoryUsage();
    const grown = after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed;
    expect(grown).toBeLessThan(50 * 1024 * 1024);
  });

  it("is refused when the body itself is larger than the limit", async () => {
    await expect(webhookText({}, bytesOf("xxx"), 2)).rejects.toEqual(refusal(413, /more than 2 bytes/));
  });

  it.each([
    ["plain text", bytesOf(text)],
    ["a cut body", zip(text).subarray(0, 20)],
    ["an empty body", new Uint8Array(0)],
  ])("is refused when %s is declared to be gzip", async (_what, body) => {
    await expect(webhookText(GZIP, body)).rejects.toEqual(refusal(400, /not gzip/));
  });

  it("is refused in another encoding", async () => {
    const answer = webhookText({ "content-encoding": "br" }, bytesOf(text));
    await expect(answer).rejects.toEqual(refusal(415, /neither gzip nor identity/));
  });
});
