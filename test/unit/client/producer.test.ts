import { describe, expect, it } from "vitest";
import {
  type AppendResult,
  type Event,
  Producer,
  type ProducerOptions,
  type ProducerPosition,
  RelayCallError,
} from "../../../client/index.ts";

interface Request {
  readonly events: readonly Event[];
  readonly position: number | undefined;
}

/** A relay whose feed has 100 messages. It fails once per entry of `failures`, then accepts everything. */
function fakeRelay(
  failures: readonly unknown[] = [],
  change: (answer: AppendResult) => AppendResult = (a) => a,
) {
  const left = [...failures];
  const requests: Request[] = [];
  let tail = 100;
  let underWay = 0;
  return {
    requests,
    append: async (
      _feed: string,
      events: readonly Event[],
      from?: ProducerPosition,
    ): Promise<AppendResult> => {
      underWay += 1;
      expect(underWay).toBe(1);
      requests.push({ events, position: from?.position });
      await Promise.resolve();
      underWay -= 1;
      const failure = left.shift();
      if (failure !== undefined) throw failure;
      const first = tail + 1;
      tail += events.length;
      return change({ first, last: tail, accepted: events.length, duplicates: 0, refused: [] });
    },
  };
}

function producerOf(client: ProducerOptions["client"], more: Partial<ProducerOptions> = {}) {
  const slept: number[] = [];
  const sleep = async (millis: number) => void slept.push(millis);
  const options = {
    client,
    feed: "pbx",
    producer: "bridge",
    lingerMillis: 0,
    sleep,
    random: () => 0.5,
    ...more,
  };
  return { producer: new Producer(options), slept };
}

const busy = (retryAfterMillis?: number) =>
  new RelayCallError("POST", { status: 503, code: "relay.busy", detail: "" }, { retryAfterMillis });
const wrongKey = new RelayCallError("POST", { status: 401, code: "key.wrong", detail: "" });
const lostAnswer = new RelayCallError("POST", { code: "call.failed", detail: "" });
const event = (number: number) => ({ type: "A", number });
const lines = (numbers: readonly number[]) => numbers.map((number) => JSON.stringify(event(number)));

describe("a producer", () => {
  it("gives each event the next position, and returns its sequence number", async () => {
    const relay = fakeRelay();
    const { producer } = producerOf(relay);
    expect(await producer.sendAll([event(1), event(2)])).toEqual([
      { position: 1, sequence: 101, refused: undefined },
      { position: 2, sequence: 102, refused: undefined },
    ]);
    expect(await producer.send('{"type":"B"}')).toEqual({ position: 3, sequence: 103, refused: undefined });
    expect(relay.requests).toEqual([
      { events: lines([1, 2]), position: 1 },
      { events: ['{"type":"B"}'], position: 3 },
    ]);
    expect(producer.counts).toEqual({ accepted: 3, duplicates: 0, refused: 0, resends: 0 });
  });

  it("continues at the given position", async () => {
    const relay = fakeRelay();
    const { producer } = producerOf(relay, { position: 51 });
    await producer.send(event(1));
    expect(relay.requests[0]?.position).toBe(51);
    expect(producer.position).toBe(52);
  });

  it("batches events that arrive while a request is in flight, up to the limit", async () => {
    const relay = fakeRelay();
    const { producer } = producerOf(relay, { maxBatch: 3 });
    const sent = await Promise.all([1, 2, 3, 4, 5, 6].map((number) => producer.send(event(number))));
    expect(relay.requests.map(({ position, events }) => [position, events.length])).toEqual([
      [1, 1],
      [2, 3],
      [5, 2],
    ]);
    expect(sent.map(({ sequence }) => sequence)).toEqual([101, 102, 103, 104, 105, 106]);
  });

  it("waits for more events, unless there are enough for a request", async () => {
    const relay = fakeRelay();
    const { producer, slept } = producerOf(relay, { lingerMillis: 20, maxBatch: 3 });
    await Promise.all([producer.send(event(1)), producer.send(event(2))]);
    expect(slept).toEqual([20]);
    await producer.sendAll([event(3), event(4), event(5)]);
    expect(slept).toEqual([20]);
    expect(relay.requests.map(({ events }) => events.length)).toEqual([2, 3]);
  });

  it("puts no more bytes into a request than the relay accepts", async () => {
    const relay = fakeRelay();
    const { producer } = producerOf(relay);
    await producer.sendAll(Array.from({ length: 30 }, () => ({ type: "A", text: "é".repeat(50_000) })));
    expect(relay.requests.map(({ events }) => events.length)).toEqual([9, 9, 9, 3]);
    expect(relay.requests.map(({ position }) => position)).toEqual([1, 10, 19, 28]);
  });

  it("retries the identical request until the relay responds", async () => {
    const relay = fakeRelay([lostAnswer, busy(), busy()]);
    const { producer, slept } = producerOf(relay);
    const first = producer.sendAll([event(1), event(2)]);
    const later = producer.send(event(3));
    await Promise.all([first, later]);
    expect(relay.requests.map(({ position }) => position)).toEqual([1, 1, 1, 1, 3]);
    expect(relay.requests[3]).toEqual(relay.requests[0]);
    expect(producer.counts).toEqual({ accepted: 3, duplicates: 0, refused: 0, resends: 3 });
    expect(slept).toEqual([100, 200, 400]);
  });

  it("backs off with full jitter up to a limit, and at least as long as the relay asks", async () => {
    const failures = [busy(), busy(), busy(), busy(), busy(5_000)];
    const { producer, slept } = producerOf(fakeRelay(failures), { backoffMillis: { first: 100, most: 400 } });
    await producer.send(event(1));
    expect(slept).toEqual([50, 100, 200, 200, 5_000]);
    const none = producerOf(fakeRelay([busy(), busy()]), { random: () => 0 });
    await none.producer.send(event(1));
    expect(none.slept).toEqual([0, 0]);
  });

  it("counts the duplicates that the relay recognises", async () => {
    const relay = fakeRelay([lostAnswer], (answer) => ({ ...answer, accepted: 0, duplicates: 2 }));
    const { producer } = producerOf(relay);
    expect(await producer.sendAll([event(1), event(2)])).toMatchObject([
      { sequence: 101 },
      { sequence: 102 },
    ]);
    expect(producer.counts).toEqual({ accepted: 2, duplicates: 2, refused: 0, resends: 1 });
  });

  it("reports which events are refused and why: they use up their positions and have no number", async () => {
    const relay = fakeRelay([], () => ({
      first: 7,
      last: 8,
      accepted: 2,
      duplicates: 0,
      refused: [{ index: 1, error: "no type" }],
    }));
    const { producer } = producerOf(relay);
    expect(await producer.sendAll([event(1), {}, event(3)])).toEqual([
      { position: 1, sequence: 7, refused: undefined },
      { position: 2, sequence: undefined, refused: "no type" },
      { position: 3, sequence: 8, refused: undefined },
    ]);
    expect(producer.counts).toMatchObject({ accepted: 2, refused: 1 });
    expect(producer.position).toBe(4);
  });

  const allRefused = () => {
    const refused = [{ index: 0, error: "no type" }];
    return new RelayCallError("POST", { status: 422, code: "events.refused", detail: "", refused });
  };

  it("gives the positions of a request that is refused as a whole to the events that follow", async () => {
    const relay = fakeRelay([allRefused()]);
    const { producer } = producerOf(relay);
    const [refused, next] = await Promise.all([producer.send({}), producer.send(event(1))]);
    expect(refused).toMatchObject({ position: 1, refused: "no type" });
    expect(next).toMatchObject({ position: 1, sequence: 101 });
    expect(producer.position).toBe(2);
  });

  it("leaves those positions unused as long as an earlier producer may have used them", async () => {
    const relay = fakeRelay([allRefused(), undefined, allRefused()]);
    const { producer } = producerOf(relay, { position: 7 });
    expect(await producer.send({})).toMatchObject({ position: 7, refused: "no type" });
    expect(await producer.send(event(1))).toMatchObject({ position: 8, sequence: 101 });
    expect(await producer.send({})).toMatchObject({ position: 9, refused: "no type" });
    expect(await producer.send(event(2))).toMatchObject({ position: 9, sequence: 102 });
  });

  it.each([
    ["split", { first: 101, last: 110 }],
    ["freed", { first: null, last: null }],
  ])("returns no numbers when the response does not reveal them: %s", async (_, numbers) => {
    const { producer } = producerOf(fakeRelay([], (answer) => ({ ...answer, ...numbers })));
    expect(await producer.sendAll([event(1), event(2)])).toMatchObject([
      { sequence: undefined, refused: undefined },
      { sequence: undefined, refused: undefined },
    ]);
  });

  it("ends at a failure that no retry can fix, so that no later event overtakes", async () => {
    const relay = fakeRelay([wrongKey]);
    const { producer } = producerOf(relay, { maxBatch: 1 });
    const sent = [producer.send(event(1)), producer.send(event(2))];
    for (const each of await Promise.allSettled(sent))
      expect(each).toEqual({ status: "rejected", reason: wrongKey });
    await expect(producer.send(event(3))).rejects.toBe(wrongKey);
    expect(relay.requests).toHaveLength(1);
  });

  it("stops retrying when the signal aborts, after the request in flight", async () => {
    const stopping = new AbortController();
    const relay = fakeRelay([busy(), busy()]);
    const sleep = async () => stopping.abort("over");
    const { producer } = producerOf(relay, { sleep, signal: stopping.signal });
    await expect(producer.send(event(1))).rejects.toBe("over");
    expect(relay.requests).toHaveLength(1);
  });

  it("rejects events beyond the waiting limit without using up their positions", async () => {
    const { producer } = producerOf(fakeRelay(), { maxWaiting: 2 });
    const waiting = producer.sendAll([event(1), event(2)]);
    await expect(producer.send(event(3))).rejects.toThrow("more than 2 events");
    await waiting;
    expect(await producer.send(event(3))).toMatchObject({ position: 3, sequence: 103 });
  });

  it.each([
    ["two lines", '{"type":"A"}\n{"type":"B"}'],
    ["nothing", " "],
    ["2 MB", `"${"x".repeat(2e6)}"`],
  ])("refuses %s as an event, which would shift all later positions or block them", async (_, text) => {
    const { producer } = producerOf(fakeRelay());
    await expect(producer.send(text)).rejects.toThrow(RangeError);
    expect(producer.position).toBe(1);
  });

  it("uses a real timer when no sleep is given", async () => {
    const relay = fakeRelay([busy()]);
    const options = { client: relay, feed: "pbx", producer: "bridge", backoffMillis: { first: 1, most: 1 } };
    const producer = new Producer({ ...options, signal: new AbortController().signal });
    expect(await producer.send(event(1))).toMatchObject({ sequence: 101 });
  });
});
