import { describe, expect, it } from "vitest";
import { readRecording } from "../../local/demo/recording.ts";
import { eventually } from "../support/eventually.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { eventTexts, expectUnbroken } from "../support/webhookBodies.ts";
import { isSignedWith, WebhookReceiver } from "../support/webhookReceiver.ts";

describe("delivery through the whole pipeline", () => {
  it("delivers every recorded event to every session once, in order, byte for byte, and signed", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    const lines = (await readRecording()).map(({ line }) => line);
    const paths = ["/a", "/b", "/c"];
    const sessions = await Promise.all(
      paths.map((path, index) =>
        relay.createSession({ feed: "pbx", url: receiver.url(path), maxBatch: [100, 7, 1000][index] ?? 1 }),
      ),
    );

    for (let from = 0; from < lines.length; from += 60)
      await relay.append("pbx", lines.slice(from, from + 60));

    for (const [index, path] of paths.entries()) {
      await receiver.untilReceived(path, lines.length);
      expect(receiver.sequences(path)).toEqual(lines.map((_, line) => line + 1));
      const texts = receiver.requests(path).flatMap(({ text }) => eventTexts(text));
      expect(texts).toEqual(lines);
      for (const request of receiver.requests(path)) {
        expect(isSignedWith(sessions[index]?.secret ?? "", request)).toBe(true);
        expect(request.body).toMatchObject({ feed: "pbx", session: sessions[index]?.id });
        expect(request.body.first).toBe(request.body.messages[0]?.sequence);
        expect(request.body.last).toBe(request.body.messages.at(-1)?.sequence);
      }
      expectUnbroken(
        receiver.requests(path).map(({ body }) => body),
        0,
      );
    }
    expect(isSignedWith(sessions[1]?.secret ?? fail(), receiver.requests("/a")[0] ?? fail())).toBe(false);
  });

  it("cuts a page at fixed points, and never above maxBatch", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    await relay.append("pbx", someEvents(50));
    await relay.createSession({ feed: "pbx", url: receiver.url("/"), from: 5, maxBatch: 20 });
    await receiver.untilReceived("/", 50);
    expect(receiver.requests("/").map(({ body }) => [body.first, body.last])).toEqual([
      [5, 20],
      [21, 40],
      [41, 50],
    ]);
  });

  it("sends only events that pass the filter, and the numbers still prove that nothing is missing", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    await relay.createSession({
      feed: "pbx",
      url: receiver.url("/"),
      filter: { types: ["ChannelDestroyed"] },
    });
    for (let round = 0; round < 5; round += 1)
      await relay.append(
        "pbx",
        someEvents(30, ["ChannelCreated", "ChannelVarset", "ChannelDestroyed"], round * 30),
      );
    await receiver.untilReceived("/", 150);
    expect(receiver.sequences("/")).toEqual(Array.from({ length: 50 }, (_, index) => 3 * (index + 1)));
    expectUnbroken(
      receiver.requests("/").map(({ body }) => body),
      0,
    );
  });

  it("does not call an endpoint for pages without a matching event, but moves the cursor past them", async () => {
    await using relay = await TestRelay.start({ RELAY_SEGMENT_SIZE: "20", RELAY_SWEEP_SECONDS: "0.2" });
    await using receiver = await WebhookReceiver.start();
    const { id } = await relay.createSession({
      feed: "pbx",
      url: receiver.url("/"),
      filter: { types: ["Rare"] },
    });
    for (let round = 0; round < 5; round += 1) await relay.append("pbx", someEvents(20));
    // Once the tail has left the session's segment, the session is woken although no event concerns it.
    await eventually("the cursor in the tail's segment", async () => (await relay.session(id)).next > 80);
    expect(receiver.requests("/")).toEqual([]);
  });

  it("retries a refused batch with the same id and messages, although more were appended meanwhile", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    receiver.answer = (_request, count) =>
      count === 0 ? { status: 503, headers: { "retry-after": "1" } } : { status: 200 };
    await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    await relay.append("pbx", someEvents(3));
    await receiver.untilRequests("/", 1);
    await relay.append("pbx", someEvents(3));
    await receiver.untilReceived("/", 6);
    const [refused, repeated, next] = receiver.requests("/");
    expect(repeated?.id).toBe(refused?.id);
    expect(repeated?.body.messages).toEqual(refused?.body.messages);
    expect(repeated?.body.epoch).toBeGreaterThan(refused?.body.epoch ?? Number.POSITIVE_INFINITY);
    expect(next?.body).toMatchObject({ first: 4, last: 6, previous: 3 });
  });

  it("follows no redirect and treats it as a failure", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    receiver.answer = ({ path }) =>
      path === "/" ? { status: 307, headers: { location: receiver.url("/elsewhere") } } : { status: 200 };
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    await relay.append("pbx", someEvents(1));
    await receiver.untilRequests("/", 1);
    const session = await eventually("a backoff", async () => {
      const shown = await relay.session(id);
      return shown.state === "backoff" && shown;
    });
    expect(session).toMatchObject({
      attempts: 1,
      next: 1,
      lastError: { reason: "http.redirect", status: 307 },
    });
    expect(receiver.requests("/elsewhere")).toEqual([]);
  });

  it("suspends on 410, and continues at the same message when resumed", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    receiver.answer = () => ({ status: 410 });
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    await relay.append("pbx", someEvents(4));
    await eventually("suspended", async () => (await relay.session(id)).state === "suspended");
    expect(receiver.requests("/")).toHaveLength(1);
    receiver.answer = () => ({ status: 200 });
    await relay.changeSession(id, { state: "active" });
    await receiver.untilRequests("/", 2);
    expect(receiver.requests("/")[1]?.id).toBe(receiver.requests("/")[0]?.id);
    await eventually("active", async () => (await relay.session(id)).lagMessages === 0);
    expect(await relay.session(id)).toMatchObject({ state: "active", attempts: 0, lastError: null, next: 5 });
  });

  it("does not let a hanging endpoint delay another session", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    const released = Promise.withResolvers<void>();
    receiver.answer = async ({ path }) => {
      if (path === "/slow") await released.promise;
      return { status: 200 };
    };
    await relay.createSession({ feed: "pbx", url: receiver.url("/slow") });
    await relay.createSession({ feed: "pbx", url: receiver.url("/fast") });
    for (let round = 0; round < 20; round += 1) await relay.append("pbx", someEvents(10));
    await receiver.untilReceived("/fast", 200);
    // The slow endpoint has not yet answered its first request.
    expect(receiver.requests("/slow")).toHaveLength(1);
    released.resolve();
    await receiver.untilReceived("/slow", 200);
    expect(receiver.sequences("/slow")).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  });
});

function fail(): never {
  throw new Error("there is no request");
}
