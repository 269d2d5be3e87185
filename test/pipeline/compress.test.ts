import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readRecording } from "../../local/demo/recording.ts";
import { eventually } from "../support/eventually.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { isSignedWith, WebhookReceiver } from "../support/webhookReceiver.ts";

let relay: TestRelay;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await WebhookReceiver.start();
  relay = await TestRelay.start();
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const encodings = (path: string) =>
  receiver.requests(path).map(({ headers }) => headers["content-encoding"] ?? "none");

describe("a session with compress", () => {
  it("gets the same messages as one without, under a signature of the text", async () => {
    const feed = "same";
    const zipped = await relay.createSession({ feed, url: receiver.url("/zipped"), compress: "gzip" });
    const plain = await relay.createSession({ feed, url: receiver.url("/plain") });
    expect([
      zipped.kind === "webhook" && zipped.compress,
      plain.kind === "webhook" && plain.compress,
    ]).toEqual(["gzip", null]);
    await relay.append(feed, someEvents(50));
    await receiver.untilReceived("/zipped", 50);
    await receiver.untilReceived("/plain", 50);
    const [first] = receiver.requests("/zipped");
    const [second] = receiver.requests("/plain");
    if (first === undefined || second === undefined) throw new Error("no request");
    expect(encodings("/zipped")).toEqual(["gzip"]);
    expect(encodings("/plain")).toEqual(["none"]);
    expect(first.body.messages).toEqual(second.body.messages);
    expect(Number(first.headers["content-length"])).toBeLessThan(
      Number(second.headers["content-length"]) / 4,
    );
    expect(isSignedWith(zipped.secret, first)).toBe(true);
    expect(isSignedWith(plain.secret, second)).toBe(true);
  });

  it("retries a batch under the same id with the same messages", async () => {
    receiver.answer = (_request, count) => ({ status: count === 0 ? 500 : 204 });
    const { id } = await relay.createSession({
      feed: "retry",
      url: receiver.url("/retry"),
      compress: "gzip",
    });
    await relay.append("retry", someEvents(20));
    await eventually("a backoff", async () => (await relay.session(id)).state === "backoff");
    await relay.changeSession(id, { state: "active" });
    const [failed, retried] = await receiver.untilRequests("/retry", 2);
    receiver.answer = () => ({ status: 204 });
    expect(retried?.id).toBe(failed?.id);
    expect(retried?.body.messages).toEqual(failed?.body.messages);
    expect(encodings("/retry")).toEqual(["gzip", "gzip"]);
  });

  it("can begin and end while the session runs, which changes no batch", async () => {
    const feed = "change";
    const { id } = await relay.createSession({ feed, url: receiver.url("/change") });
    const appendAndGet = async (last: number) => {
      await relay.append(feed, someEvents(10));
      await receiver.untilReceived("/change", last);
      await eventually("the answer written", async () => (await relay.session(id)).next === last + 1);
    };
    await appendAndGet(10);
    expect(await relay.changeSession(id, { compress: "gzip" })).toMatchObject({ compress: "gzip" });
    await appendAndGet(20);
    // Another change leaves it as it is.
    expect(await relay.changeSession(id, { maxBatch: 50 })).toMatchObject({ compress: "gzip" });
    await appendAndGet(30);
    expect(await relay.changeSession(id, { compress: null })).toMatchObject({ compress: null });
    await appendAndGet(40);
    expect(encodings("/change")).toEqual(["none", "gzip", "gzip", "none"]);
  });

  it("gets a test message and AMI text", async () => {
    const feed = "ami";
    const created = await relay.createSession({
      feed,
      url: receiver.url("/ami"),
      format: "ami",
      compress: "gzip",
    });
    expect(await relay.testSession(created.id)).toMatchObject({ outcome: "accepted" });
    const events = (await readRecording()).slice(0, 50).map(({ line }) => line);
    await relay.append(feed, events);
    await eventually("every message", async () => (await relay.session(created.id)).next === 51);
    const [test, batch] = receiver.requests("/ami");
    if (test === undefined || batch === undefined) throw new Error("no request");
    expect(test.body.messages).toMatchObject([{ type: "RelayTest" }]);
    expect(batch.body.messages.length).toBeGreaterThan(10);
    expect(batch.body.messages[0]?.text).toMatch(/^Event: \w+\r\n/);
    expect(encodings("/ami").at(-1)).toBe("gzip");
    for (const request of [test, batch]) expect(isSignedWith(created.secret, request)).toBe(true);
  });

  it("gets a small body as it is, when gzip would not make it smaller", async () => {
    const feed = "small";
    await relay.createSession({ feed, url: receiver.url("/small"), compress: "gzip" });
    await relay.append(feed, [{ type: "A" }]);
    await receiver.untilReceived("/small", 1);
    expect(encodings("/small")).toEqual(["none"]);
  });

  it("is refused in another encoding, and for AMI users", async () => {
    const body = { feed: "pbx", url: receiver.url("/"), compress: "br" };
    const answer = await relay.call("POST", "/v1/sessions", { body });
    expect([answer.status, answer.json.errors[0].at]).toEqual([400, "body.compress"]);
    const { id } = await relay.createSession({ feed: "pbx", kind: "ami", username: "alice" });
    const change = await relay.call("PATCH", `/v1/sessions/${id}`, { body: { compress: "gzip" } });
    expect([change.status, change.json.errors[0].at]).toEqual([400, "body.compress"]);
  });
});
