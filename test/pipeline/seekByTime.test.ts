import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../shared/runtime/clock.ts";
import { eventually } from "../support/eventually.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

/** The system's clock, which a test can move ahead. */
const clock = {
  aheadMillis: 0,
  nowEpochMillis: () => Date.now() + clock.aheadMillis,
  sleep: systemClock.sleep,
};

const MINUTE = 60_000;

let relay: TestRelay;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await WebhookReceiver.start();
  relay = await TestRelay.start(
    { RELAY_SEGMENT_SIZE: "10", RELAY_FREE_GRACE_SECONDS: "5", RELAY_SWEEP_SECONDS: "0.2" },
    undefined,
    { clock },
  );
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

/** Appends `times` pages of three messages, a minute apart; returns a time between each page and the one before it. */
async function appendByMinutes(feed: string, times: number): Promise<string[]> {
  const between: string[] = [];
  for (let page = 0; page < times; page += 1) {
    clock.aheadMillis += MINUTE / 2;
    between.push(new Date(clock.nowEpochMillis()).toISOString());
    clock.aheadMillis += MINUTE / 2;
    await relay.append(feed, someEvents(3, undefined, 1 + 3 * page));
  }
  return between;
}

/** A paused session counts its segment, so that nothing is freed. */
const held = (feed: string) => relay.createSession({ feed, url: receiver.url("/held"), from: "head" });

describe("a time", () => {
  it("is a place to begin, to seek to, and to read from", async () => {
    await relay.append("seek", someEvents(3));
    await relay.changeSession((await held("seek")).id, { state: "paused" });
    const between = await appendByMinutes("seek", 8);
    for (const [page, time] of between.entries()) {
      const expected = 4 + 3 * page;
      const { messages } = await relay.messages("seek", { from: { time }, limit: 1 });
      expect(messages[0]?.sequence).toBe(expected);
    }
    const time = between[4] ?? "";
    const url = receiver.url("/seek");
    const created = await relay.createSession({ feed: "seek", url, from: { time } });
    expect(created.next).toBe(16);
    await receiver.untilReceived("/seek", 27);
    expect(receiver.sequences("/seek")[0]).toBe(16);
    const offset = `${time.slice(0, -1)}+00:00`;
    expect((await relay.changeSession(created.id, { state: "paused", next: { time: offset } })).next).toBe(
      16,
    );
    const user = await relay.createSession({ feed: "seek", kind: "ami", username: "by-time", resume: true });
    expect((await relay.changeSession(user.id, { next: { time } })).next).toBe(16);
  });

  it("after the last append is the tail, before the first one the head", async () => {
    await appendByMinutes("ends", 2);
    const { id } = await held("ends");
    await relay.changeSession(id, { state: "paused" });
    const at = async (time: string) => (await relay.changeSession(id, { next: { time } })).next;
    expect(await at("2126-01-01T00:00:00Z")).toBe(7);
    expect(await at("1999-12-31T23:59:59.5+02:00")).toBe(1);
    expect(await relay.messages("ends", { from: { time: "2126-01-01T00:00:00Z" } })).toEqual({
      feed: "ends",
      messages: [],
      next: 7,
    });
    expect((await relay.messages("ends", { from: "tail" })).next).toBe(7);
  });

  it("before freed messages is the head, and the gap is reported", async () => {
    const [early = ""] = await appendByMinutes("freed", 10);
    clock.aheadMillis += MINUTE;
    const head = await eventually("freed segments", async () => {
      const feed = await relay.feed("freed");
      return feed.head === 21 && feed.head;
    });
    const { messages, gap } = await relay.messages("freed", { from: { time: early }, limit: 1 });
    expect([messages[0]?.sequence, gap]).toEqual([head, { first: 1, last: head - 1 }]);
    const { id } = await relay.createSession({
      feed: "freed",
      url: receiver.url("/gap"),
      from: { time: early },
    });
    await receiver.untilReceived("/gap", 30);
    const [first, second] = receiver.requests("/gap");
    expect(first?.body).toMatchObject({ first: 1, last: head - 1, previous: 0 });
    expect(first?.body.messages[0]).toMatchObject({ type: "RelayGap", event: { reason: "retention" } });
    expect(second?.body).toMatchObject({ first: head, previous: head - 1 });
    await eventually("the answers written", async () => (await relay.session(id)).next === 31);
    await relay.changeSession(id, { state: "paused", next: { time: early } });
    expect((await relay.session(id)).cursor.gap).toEqual({ first: 1, last: head - 1, reason: "retention" });
  });

  it.each([["yesterday"], ["2026-02-30T00:00:00Z"], ["2026-11-23"], ["0"], [""]])(
    "'%s' is none, and is refused",
    async (time) => {
      await relay.append("refused", someEvents(1));
      const body = { feed: "refused", url: receiver.url("/"), from: { time } };
      const created = await relay.call("POST", "/v1/sessions", { body });
      expect([created.status, created.json.errors[0].at]).toEqual([400, "body.from.time"]);
      const read = await relay.call("GET", `/v1/feeds/refused/messages?from=${encodeURIComponent(time)}`);
      expect([read.status, read.json.errors[0].at]).toEqual([400, "query.from"]);
    },
  );
});
