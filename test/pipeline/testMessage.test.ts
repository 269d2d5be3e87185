import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beginningOf, follow } from "../../client/index.ts";
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

describe("a test message", () => {
  it("reaches the endpoint of a paused session, signed, and moves nothing", async () => {
    const created = await relay.createSession({ feed: "pbx", url: receiver.url("/a") });
    const { id, secret } = created;
    await relay.append("pbx", someEvents(3));
    await eventually("the delivery", async () => (await relay.session(id)).next === 4);
    await relay.changeSession(id, { state: "paused" });
    await relay.append("pbx", someEvents(2));
    const before = await relay.session(id);

    const answer = await relay.testSession(id);
    expect(answer).toMatchObject({ outcome: "accepted", status: 204, requests: 1, first: 3, last: 3 });
    const request = receiver.requests("/a").at(-1);
    if (request === undefined) throw new Error("no request");
    expect(request.id).toBe(answer.test);
    expect(isSignedWith(secret, request)).toBe(true);
    expect(request.body.messages).toMatchObject([{ type: "RelayTest", event: { test: answer.test } }]);
    expect({ ...(await relay.session(id)), lagSeconds: 0 }).toEqual({ ...before, lagSeconds: 0 });
    expect((await relay.attempts(id)).attempts[0]).toEqual(answer);

    // A receiver that follows the chain stores nothing of it, and goes on behind it.
    await relay.changeSession(id, { state: "active" });
    await receiver.untilReceived("/a", 5);
    let state = beginningOf({ next: 1, cursor: created.cursor });
    const stored = receiver.requests("/a").flatMap(({ text }) => {
      const step = follow(state, JSON.parse(text));
      state = step.state;
      return step.messages.map(({ sequence }) => sequence);
    });
    expect(stored).toEqual([1, 2, 3, 4, 5]);
  });

  it("says what is wrong with an endpoint, and counts no failure", async () => {
    const { id } = await relay.createSession({ feed: "down", url: "http://127.0.0.1:9/", format: "ami" });
    expect(await relay.testSession(id)).toMatchObject({ outcome: "failed", reason: "connection.refused" });
    expect(await relay.session(id)).toMatchObject({ state: "active", attempts: 0, lastError: null });
  });

  it("reaches no address that webhooks may not reach", async () => {
    await using guarded = await TestRelay.start({ RELAY_ALLOWED_ADDRESS_RANGES: "10.0.0.0/8" });
    const { id } = await guarded.createSession({ feed: "pbx", url: "http://localhost.localdomain:9/" });
    expect((await guarded.testSession(id)).reason).toMatch(/^(address\.refused|dns\.failed)$/);
  });

  it("is sent to a session no more than twice at once, and not to AMI users", async () => {
    const { id } = await relay.createSession({ feed: "limited", url: receiver.url("/limited") });
    const answers = await Promise.all([1, 2, 3].map(() => relay.call("POST", `/v1/sessions/${id}/test`)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    expect(refused.map(({ json, headers }) => [json.code, headers.get("retry-after")])).toEqual([
      ["test.rate-limited", "1"],
    ]);
    const user = await relay.createSession({ feed: "limited", kind: "ami", username: "tested" });
    await expect(relay.testSession(user.id)).rejects.toMatchObject({ status: 409, code: "session.kind" });
    await expect(relay.testSession("ses_none")).rejects.toMatchObject({ status: 404 });
  });
});
