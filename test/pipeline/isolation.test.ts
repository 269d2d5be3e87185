import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

let relay: TestRelay;
let receiver: WebhookReceiver;

beforeAll(async () => {
  // Groups have no lanes: nobody waits for a session of another group.
  const single = { RELAY_CURSOR_GROUPS: "0" };
  [relay, receiver] = await Promise.all([TestRelay.start(single), WebhookReceiver.start()]);
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

it("a hanging endpoint leaves the fast lane after 3 s, and gets the same batch from the slow lane", async () => {
  const arrivedAtMillis: number[] = [];
  const released = Promise.withResolvers<void>();
  receiver.answer = async ({ path }) => {
    if (path === "/hangs") {
      arrivedAtMillis.push(performance.now());
      await released.promise;
    }
    return { status: 200 };
  };
  const { id } = await relay.createSession({ feed: "hanging", url: receiver.url("/hangs") });
  await relay.append("hanging", someEvents(3));
  const [first] = await receiver.untilRequests("/hangs", 1);
  await relay.append("hanging", someEvents(3));
  const [, second] = await receiver.untilRequests("/hangs", 2);
  expect([second?.id, second?.body.messages]).toEqual([first?.id, first?.body.messages]);
  const [firstMillis = 0, secondMillis = 0] = arrivedAtMillis;
  expect(secondMillis - firstMillis).toBeGreaterThan(2_900);
  expect(secondMillis - firstMillis).toBeLessThan(12_000);
  // The endpoint has not failed yet. The fast lane's request has only given up its place.
  expect(await relay.session(id)).toMatchObject({ state: "active", attempts: 0, lastError: null });
  expect((await relay.session(id)).cursor).toMatchObject({ state: "active", lane: "slow" });

  released.resolve();
  await receiver.untilReceived("/hangs", 6);
  expect(receiver.requests("/hangs")[2]?.body).toMatchObject({ first: 4, previous: 3 });
  await eventually("the fast lane", async () => (await relay.session(id)).cursor.lane === "fast");
});

it("a session alone in its invocation does not hold it for a whole turn, however busy its feed is", async () => {
  await relay.createSession({ feed: "busy", url: receiver.url("/busy") });
  const epochs = () => new Set(receiver.requests("/busy").map(({ body }) => body.epoch));
  await eventually(
    "a second turn",
    async () => {
      await relay.append("busy", someEvents(1));
      return epochs().size >= 3;
    },
    9_000,
  );
});
