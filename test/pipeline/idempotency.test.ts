import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../shared/runtime/clock.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { isSignedWith, WebhookReceiver } from "../support/webhookReceiver.ts";

const clock = {
  aheadMillis: 0,
  nowEpochMillis: () => Date.now() + clock.aheadMillis,
  sleep: systemClock.sleep,
};

let relay: TestRelay;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await WebhookReceiver.start();
  relay = await TestRelay.start({}, undefined, { clock });
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const idsOf = async (feed: string) =>
  (await Array.fromAsync(relay.listSessions())).filter((each) => each.feed === feed).map(({ id }) => id);

describe("a session that is created with an Idempotency-Key", () => {
  it("is created once, and each answer has the secret that signs", async () => {
    const wanted = { feed: "once", url: receiver.url("/once") };
    const create = () => relay.createSession(wanted, { idempotencyKey: "order-7" });
    const [first, ...others] = await Promise.all([create(), create(), create(), create()]);
    const again = await create();
    for (const each of [...others, again]) expect([each.id, each.secret]).toEqual([first?.id, first?.secret]);
    expect(await idsOf("once")).toEqual([first?.id]);
    await relay.append("once", someEvents(1));
    const [request] = await receiver.untilRequests("/once", 1);
    expect(request && isSignedWith(again.secret, request)).toBe(true);
  });

  it("may be an AMI user, with a secret that the relay makes or that the caller gives", async () => {
    for (const given of [{}, { secret: "a-secret-of-mine" }]) {
      const username = `user-${Object.keys(given).length}`;
      const create = () =>
        relay.createSession({ feed: "users", kind: "ami", username, ...given }, { idempotencyKey: username });
      const answers = await Promise.all([create(), create(), create()]);
      expect(new Set(answers.map(({ id, secret }) => `${id} ${secret}`)).size).toBe(1);
      expect(answers[0]).toMatchObject(given);
    }
  });

  it("is another one for another key or another caller", async () => {
    const wanted = { feed: "apart", url: receiver.url("/") };
    const { key } = await relay.createKey({ name: "manager", role: "manager" });
    const created = await Promise.all([
      relay.createSession(wanted, { idempotencyKey: "a" }),
      relay.createSession(wanted, { idempotencyKey: "b" }),
      relay.as(key).createSession(wanted, { idempotencyKey: "a" }),
    ]);
    expect(new Set(created.map(({ id }) => id)).size).toBe(3);
    expect(new Set(created.map(({ secret }) => secret)).size).toBe(3);
  });

  it("refuses the key with another body, and when its secret was rotated or a day has passed", async () => {
    const wanted = { feed: "refused", url: receiver.url("/") };
    const options = { idempotencyKey: "k" };
    const { id } = await relay.createSession(wanted, options);
    const other = relay.createSession({ ...wanted, maxBatch: 7 }, options);
    await expect(other).rejects.toMatchObject({ status: 422, code: "idempotency.mismatch" });
    await relay.changeSession(id, { maxBatch: 9 });
    expect(await relay.createSession(wanted, options)).toMatchObject({ id, maxBatch: 9 });
    await relay.changeSession(id, { rotateSecret: true });
    const used = { status: 409, code: "idempotency.used", message: expect.stringContaining(id) };
    await expect(relay.createSession(wanted, options)).rejects.toMatchObject(used);

    const late = await relay.createSession(wanted, { idempotencyKey: "late" });
    clock.aheadMillis += 24 * 3_600_000 + 1;
    const after = relay.createSession(wanted, { idempotencyKey: "late" });
    await expect(after).rejects.toMatchObject({ status: 409, message: expect.stringContaining(late.id) });
  });

  it("is created anew after it was deleted", async () => {
    const wanted = { feed: "anew", url: receiver.url("/") };
    const { id, secret } = await relay.createSession(wanted, { idempotencyKey: "d" });
    await relay.deleteSession(id);
    const again = await relay.createSession(wanted, { idempotencyKey: "d" });
    expect(again.id).toBe(id);
    expect(again.secret).not.toBe(secret);
  });

  it.each([["a b"], ["x".repeat(256)]])("refuses '%s' as a key", async (key) => {
    const answered = await relay.call("POST", "/v1/sessions", {
      body: { feed: "pbx", url: receiver.url("/") },
      headers: { "idempotency-key": key },
    });
    expect([answered.status, answered.json.errors?.[0].at]).toEqual([400, "header.idempotency-key"]);
  });
});
