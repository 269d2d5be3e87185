import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../shared/runtime/clock.ts";
import type { RelayApi } from "../support/relayApi.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

const DAY = 86_400_000;

/** The system's clock, which a test can move ahead. */
const clock = {
  aheadMillis: 0,
  nowEpochMillis: () => Date.now() + clock.aheadMillis,
  sleep: systemClock.sleep,
};

let relay: TestRelay;
let bridge: RelayApi;
let bridgeKey: string;

beforeAll(async () => {
  relay = await TestRelay.start({ RELAY_SEGMENT_SIZE: "10" }, undefined, { clock });
  const made = await relay.createKey({ name: "bridges", role: "producer", feeds: ["pbx-*"] });
  bridge = relay.as(made.key);
  bridgeKey = made.id;
});

afterAll(() => relay[Symbol.asyncDispose]());

const by = (producer: string, position: number) => ({ producer, position });

describe("the list of feeds", () => {
  it("has each feed's ends, its last append, its sessions and how far they lag at most", async () => {
    await using receiver = await WebhookReceiver.start();
    const url = receiver.url("/");
    await relay.append("a-empty-later", someEvents(1));
    await relay.append("b", someEvents(5));
    const paused = await relay.createSession({ feed: "b", url, from: "tail" });
    await relay.changeSession(paused.id, { state: "paused" });
    await relay.createSession({ feed: "b", url });
    const before = clock.nowEpochMillis();
    await relay.append("b", someEvents(20), by("bridge", 1));
    await relay.createSession({ feed: "c-new", url });
    const feeds = await Array.fromAsync(relay.listFeeds(2));
    const named = Object.fromEntries(feeds.map((each) => [each.feed, each]));
    expect(feeds.map(({ feed }) => feed)).toEqual([...Object.keys(named)].sort());
    expect(named.b).toMatchObject({ head: 1, tail: 25, sessions: 2, lagMessagesAtMost: 25, producers: 1 });
    expect(Date.parse(String(named.b?.lastAppend))).toBeGreaterThanOrEqual(before);
    expect(named["a-empty-later"]).toMatchObject({
      tail: 1,
      sessions: 0,
      lagMessagesAtMost: 0,
      producers: 0,
    });
    expect(named["c-new"]).toEqual({
      feed: "c-new",
      head: 1,
      tail: 0,
      lastAppend: null,
      sessions: 1,
      lagMessagesAtMost: 0,
      producers: 0,
    });
    await receiver.untilReceived("/", 20);
    const { lagMessages } = await relay.session(paused.id);
    expect(lagMessages).toBe(20);
  });
});

describe("a feed's producers", () => {
  it("are listed with position, gaps and key, the one seen last first", async () => {
    await bridge.append("pbx-list", someEvents(3), by("first", 10));
    await bridge.append("pbx-list", someEvents(1), by("first", 20));
    await relay.append("pbx-list", someEvents(2), by("second", 1));
    const { producers } = await relay.producers("pbx-list");
    expect(producers).toEqual([
      { producer: "second", start: 1, next: 3, gaps: [], lastSeen: expect.any(String), key: null },
      {
        producer: "first",
        start: 10,
        next: 21,
        gaps: [{ first: 13, last: 19 }],
        lastSeen: expect.any(String),
        key: bridgeKey,
      },
    ]);
  });

  it("are 40 on one feed without a duplicate, and all are listed", async () => {
    const names = Array.from({ length: 40 }, (_, number) => `bridge-${number}`);
    for (const position of [1, 3]) {
      const send = (name: string) =>
        bridge.append("pbx-many", someEvents(2, ["A"], position), by(name, position));
      const first = [];
      for (const name of names) first.push(await send(name));
      const again = await Promise.all(names.map(send));
      expect(again).toEqual(first.map((answer) => ({ ...answer, accepted: 0, duplicates: 2 })));
    }
    expect((await relay.feed("pbx-many")).tail).toBe(160);
    const { producers } = await relay.producers("pbx-many");
    expect(producers.map(({ producer }) => producer).sort()).toEqual([...names].sort());
    expect(new Set(producers.map(({ next }) => next))).toEqual(new Set([5]));
  });

  it("resend safely after eight days, while others appended to the feed", async () => {
    await bridge.append("pbx-cut", someEvents(5), by("cut-off", 1));
    for (let day = 1; day <= 8; day += 1) {
      clock.aheadMillis += DAY;
      await bridge.append("pbx-cut", someEvents(1, ["Other"]), by("other", day));
    }
    const { producers } = await relay.producers("pbx-cut");
    expect(producers.find(({ producer }) => producer === "cut-off")).toMatchObject({
      next: 6,
      key: bridgeKey,
    });
    // The relay appended positions 4 and 5 and its answer was lost, so they are sent again with what came since.
    const answer = await bridge.append("pbx-cut", someEvents(4, ["Late"], 4), by("cut-off", 4));
    expect(answer).toMatchObject({ accepted: 2, duplicates: 2 });
    expect((await relay.feed("pbx-cut")).tail).toBe(5 + 8 + 2);
  });
});
