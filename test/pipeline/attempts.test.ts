import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

let relay: TestRelay;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await WebhookReceiver.start();
  relay = await TestRelay.start({ RELAY_ATTEMPT_SECONDS: "0" });
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const attemptsOf = (id: string, count: number) =>
  eventually(`${count} attempts`, async () => {
    const { attempts } = await relay.attempts(id);
    return attempts.length >= count && attempts;
  });

describe("a session's attempts", () => {
  it("have what the endpoint answered, the newest first", async () => {
    receiver.answer = (_request, count) => ({ status: count === 0 ? 503 : 202 });
    const { id } = await relay.createSession({ feed: "answers", url: receiver.url("/answers") });
    const before = Date.now();
    await relay.append("answers", someEvents(3));
    const [failure] = await attemptsOf(id, 1);
    expect(failure).toEqual({
      outcome: "failed",
      status: 503,
      reason: "http.status",
      detail: "status 503",
      since: expect.any(String),
      at: failure?.since,
      durationMillis: expect.any(Number),
      requests: 1,
      batch: receiver.requests("/answers")[0]?.id,
      first: 1,
      last: 3,
      messages: 3,
    });
    expect(Date.parse(failure?.at ?? "")).toBeGreaterThanOrEqual(before);
    await relay.changeSession(id, { state: "active" });
    const [success, earlier] = await attemptsOf(id, 2);
    expect(earlier).toEqual(failure);
    expect(success).toMatchObject({
      outcome: "accepted",
      status: 202,
      batch: failure?.batch,
      first: 1,
      last: 3,
    });
    expect(success).not.toHaveProperty("reason");
  });

  it("are the last 50", async () => {
    receiver.answer = () => ({ status: 204 });
    const { id } = await relay.createSession({ feed: "many", url: receiver.url("/many") });
    for (let number = 1; number <= 53; number += 1) {
      await relay.append("many", someEvents(1));
      await receiver.untilReceived("/many", number);
    }
    const attempts = await eventually("the last one", async () => {
      const { attempts } = await relay.attempts(id);
      return attempts[0]?.last === 53 && attempts;
    });
    expect(attempts).toHaveLength(50);
    expect(attempts.map(({ last }) => last)).toEqual(
      [...attempts].map(({ last }) => last).sort((a, b) => b - a),
    );
  });

  it("are none of an AMI user, and not to be seen with a key for other feeds", async () => {
    const { id } = await relay.createSession({ feed: "users", kind: "ami", username: "wallboard" });
    expect(await relay.attempts(id)).toEqual({ session: id, attempts: [] });
    const { key } = await relay.createKey({ name: "other", role: "reader", feeds: ["other"] });
    await expect(relay.as(key).attempts(id)).rejects.toMatchObject({ status: 403, code: "key.feed" });
    await expect(relay.attempts("ses_none")).rejects.toMatchObject({ status: 404, code: "session.unknown" });
  });
});
