import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Producer, RelayClient } from "../../client/index.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";

let relay: TestRelay;

beforeAll(async () => {
  relay = await TestRelay.start();
});

afterAll(() => relay[Symbol.asyncDispose]());

describe("the client, against the relay itself", () => {
  it("lists all sessions with any page size", async () => {
    const ids = new Set<string>();
    for (let index = 0; index < 7; index += 1)
      ids.add((await relay.createSession({ feed: `pbx-${index % 2}`, url: "http://127.0.0.1:9/" })).id);
    for (const pageSize of [1, 3, 7, 100]) {
      const listed = (await Array.fromAsync(relay.listSessions(pageSize))).map(({ id }) => id);
      expect(listed).toHaveLength(7);
      expect(new Set(listed)).toEqual(ids);
    }
  });

  it("throws the relay's errors, and says whether a retry may succeed", async () => {
    await expect(relay.createSession({ feed: "?", url: "" })).rejects.toMatchObject({
      status: 400,
      code: "request.invalid",
      errors: [{ at: "body.feed" }, { at: "body.url" }],
      retryable: false,
    });
    await expect(relay.feed("unknown")).rejects.toMatchObject({ status: 404, code: "feed.unknown" });
    await expect(relay.append("errors", [{}, 'no "JSON"'])).rejects.toMatchObject({
      status: 422,
      code: "events.refused",
      refused: [{ index: 0 }, { index: 1 }],
    });
    const stranger = new RelayClient({ url: relay.url, apiKey: "wrong" });
    await expect(stranger.feed("pbx-0")).rejects.toMatchObject({ status: 401, retryable: false });
    const nobody = new RelayClient({ url: "http://127.0.0.1:9", apiKey: "local" });
    await expect(nobody.feed("pbx-0")).rejects.toMatchObject({ code: "call.failed", retryable: true });
    expect(await nobody.isHealthy()).toBe(false);
  });

  it("produces in order, and continues under the same name after a restart", async () => {
    const options = { client: relay, feed: "produced", producer: "bridge" };
    const first = new Producer(options);
    const numbers = await Promise.all(
      someEvents(250).map(async (event) => (await first.send(event)).sequence),
    );
    expect(numbers).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));

    // The second producer does not know that the last 50 events were accepted, and resends them.
    const second = new Producer({ ...options, position: 201 });
    const again = await second.sendAll(someEvents(60, undefined, 201));
    expect(again.map(({ position }) => position)).toEqual(
      Array.from({ length: 60 }, (_, index) => 201 + index),
    );
    expect(second.counts).toEqual({ accepted: 60, duplicates: 50, refused: 0, resends: 0 });
    const { messages } = await relay.messages("produced", { limit: 1000 });
    expect(messages.map((message) => "event" in message && message.event.number)).toEqual(
      Array.from({ length: 260 }, (_, index) => index + 1),
    );
  });

  it("appends without a false gap after requests in which every event is refused", async () => {
    const producer = new Producer({
      client: relay,
      feed: "refused",
      producer: "bridge",
      maxBatch: 3,
      lingerMillis: 0,
    });
    const sent = await Promise.all([
      producer.send({ type: "A" }),
      producer.sendAll([{}, {}, {}]),
      producer.sendAll([{ type: "B" }, {}]),
      producer.send({}),
    ]);
    expect(producer.counts).toEqual({ accepted: 2, duplicates: 0, refused: 5, resends: 0 });
    expect(sent.flat().map(({ sequence }) => sequence)).toEqual([
      1,
      ...[undefined, undefined, undefined],
      2,
      ...[undefined, undefined],
    ]);
    const last = await producer.send({ type: "C" });
    expect(last.sequence).toBe(3);
    const { messages } = await relay.messages("refused");
    expect(messages.map((message) => "type" in message && message.type)).toEqual(["A", "B", "C"]);
    expect((await relay.producers("refused")).producers).toMatchObject([
      { producer: "bridge", next: producer.position, gaps: [] },
    ]);
  });

  it("stops a producer that restarts its positions under an old name", async () => {
    await relay.append("conflict", someEvents(3), { producer: "bridge", position: 100 });
    const producer = new Producer({ client: relay, feed: "conflict", producer: "bridge" });
    const conflict = { status: 409, code: "producer.position-conflict" };
    await expect(producer.send({ type: "A" })).rejects.toMatchObject(conflict);
    await expect(producer.send({ type: "A" })).rejects.toMatchObject(conflict);
  });
});
