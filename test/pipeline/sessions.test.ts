import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { isSignedWith, WebhookReceiver } from "../support/webhookReceiver.ts";

describe("sessions", () => {
  it("can be created before the first event, and show their configuration and position", async () => {
    await using relay = await TestRelay.start();
    const created = await relay.createSession({ feed: "new", url: "http://127.0.0.1:9/" });
    const { secret, ...view } = created;
    expect(view).toMatchObject({
      feed: "new",
      kind: "webhook",
      url: "http://127.0.0.1:9/",
      format: "stasis",
      maxBatch: 100,
      filter: null,
      state: "active",
      next: 1,
      lagMessages: 0,
      lagSeconds: 0,
      attempts: 0,
      lastError: null,
      lastDelivery: null,
    });
    expect(await relay.session(created.id)).toEqual(view);
    expect((await relay.expectCall(200, "GET", "/v1/sessions")).json).toEqual({ sessions: [view] });
    expect(await relay.feed("new")).toEqual({
      feed: "new",
      head: 1,
      tail: 0,
      segmentSize: 5000,
      segments: [{ segment: 0, messages: 0, references: 1 }],
    });
    await relay.expectCall(204, "DELETE", `/v1/sessions/${created.id}`);
    expect((await relay.feed("new")).segments).toEqual([{ segment: 0, messages: 0, references: 0 }]);
  });

  it("begin at the tail, at the head or at a number", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    await relay.append("pbx", someEvents(10));
    await relay.createSession({ feed: "pbx", url: receiver.url("/tail") });
    await relay.createSession({ feed: "pbx", url: receiver.url("/head"), from: "head" });
    await relay.createSession({ feed: "pbx", url: receiver.url("/seven"), from: 7 });
    await relay.append("pbx", someEvents(2));
    for (const path of ["/tail", "/head", "/seven"]) await receiver.untilReceived(path, 12);
    expect(receiver.sequences("/tail")).toEqual([11, 12]);
    expect(receiver.sequences("/head")).toHaveLength(12);
    expect(receiver.sequences("/seven")[0]).toBe(7);
  });

  it("show their lag in messages and seconds, their attempts and last error while an endpoint is down", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    receiver.answer = () => ({ status: 500 });
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    await relay.append("pbx", someEvents(10));
    const shown = await eventually("backoff", async () => {
      const session = await relay.session(id);
      return session.state === "backoff" && session;
    });
    expect(shown).toMatchObject({
      lagMessages: 10,
      attempts: 1,
      lastError: { reason: "http.status", status: 500 },
      cursor: { lane: "slow", state: "backoff" },
    });
    expect(shown.lagSeconds).toBeGreaterThan(0);
    expect(Date.parse(shown.cursor.dueAt ?? "")).toBeGreaterThan(Date.parse(shown.lastError?.at ?? ""));
    // "active" ends the backoff.
    receiver.answer = () => ({ status: 200 });
    await relay.changeSession(id, { state: "active" });
    await receiver.untilRequests("/", 2);
    await eventually("no lag", async () => (await relay.session(id)).lagMessages === 0);
    const healed = await relay.session(id);
    expect(healed).toMatchObject({ state: "active", attempts: 0, lastError: null });
    expect(healed.lastDelivery).not.toBeNull();
  });

  it("can be paused and continue at the same message", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    const paused = await relay.createSession({ feed: "pbx", url: receiver.url("/paused") });
    await relay.createSession({ feed: "pbx", url: receiver.url("/other") });
    await relay.append("pbx", someEvents(3));
    await receiver.untilReceived("/paused", 3);
    await eventually("at rest", async () => (await relay.session(paused.id)).next === 4);
    const answer = await relay.changeSession(paused.id, { state: "paused" });
    expect(answer.state).toBe("paused");
    await relay.append("pbx", someEvents(3));
    await receiver.untilReceived("/other", 6);
    expect(receiver.sequences("/paused")).toEqual([1, 2, 3]);
    expect(await relay.session(paused.id)).toMatchObject({ state: "paused", next: 4, lagMessages: 3 });
    await relay.changeSession(paused.id, { state: "active" });
    await receiver.untilReceived("/paused", 6);
    expect(receiver.sequences("/paused")).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("can seek back and forth within the held messages, without reuse of old batch ids", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    await relay.append("pbx", someEvents(5));
    await receiver.untilReceived("/", 5);
    await relay.changeSession(id, { next: 1 });
    await receiver.untilRequests("/", 2);
    const [before, after] = receiver.requests("/");
    expect(after?.body).toMatchObject({ first: 1, last: 5, previous: 0 });
    expect(after?.id).not.toBe(before?.id);
    const beyond = await relay.call("PATCH", `/v1/sessions/${id}`, { body: { next: 99 } });
    expect([beyond.status, beyond.json.code]).toEqual([409, "sequence.not-held"]);
  });

  it("can change their URL, filter and batch size while they run", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/old") });
    await relay.append("pbx", someEvents(4, ["A", "B"]));
    await receiver.untilReceived("/old", 4);
    await eventually("the answer written", async () => (await relay.session(id)).next === 5);
    const change = { url: receiver.url("/new"), filter: { types: ["B"] }, maxBatch: 1 };
    expect(await relay.changeSession(id, change)).toMatchObject(change);
    await relay.append("pbx", someEvents(4, ["A", "B"]));
    await receiver.untilReceived("/new", 8);
    expect(receiver.sequences("/new")).toEqual([6, 8]);
    expect(receiver.requests("/new")).toHaveLength(2);
    // A change while a request is in flight repeats the request ("at least once"). Here none is in flight.
    await eventually("the answer written", async () => (await relay.session(id)).next === 9);
    await relay.changeSession(id, { filter: null });
    await relay.append("pbx", someEvents(2, ["A", "B"]));
    await receiver.untilReceived("/new", 10);
    expect(receiver.sequences("/new")).toEqual([6, 8, 9, 10]);
  });

  it("can rotate their secret: old and new sign for a while, then only the new one", async () => {
    await using relay = await TestRelay.start({ RELAY_SECRET_OVERLAP_SECONDS: "2" });
    await using receiver = await WebhookReceiver.start();
    const { id, secret: old } = await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    const { secret = "" } = await relay.changeSession(id, { rotateSecret: true });
    await relay.append("pbx", someEvents(1));
    const [during] = await receiver.untilRequests("/", 1);
    expect(during && [isSignedWith(old, during), isSignedWith(secret, during)]).toEqual([true, true]);
    const after = await eventually("a request that the old secret does not sign", async () => {
      await relay.append("pbx", someEvents(1));
      const last = receiver.requests("/").at(-1);
      return last && !isSignedWith(old, last) && last;
    });
    expect(isSignedWith(secret, after)).toBe(true);
  });

  it("are listed in pages", async () => {
    await using relay = await TestRelay.start();
    const ids = new Set<string>();
    for (let index = 0; index < 7; index += 1)
      ids.add((await relay.createSession({ feed: `pbx-${index % 2}`, url: "http://127.0.0.1:9/" })).id);
    const listed: string[] = [];
    for (let query = "limit=3"; query !== ""; ) {
      const { json } = await relay.expectCall(200, "GET", `/v1/sessions?${query}`);
      expect(json.sessions.length).toBeLessThanOrEqual(3);
      listed.push(...json.sessions.map((session: { id: string }) => session.id));
      query = json.after ? `limit=3&after=${json.after}` : "";
    }
    expect(listed).toHaveLength(7);
    expect(new Set(listed)).toEqual(ids);
  });
});
