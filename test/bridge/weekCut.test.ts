import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Pbx } from "../../bridge/pbx.ts";
import { ariSource } from "../../bridge/sources/ari/ariSource.ts";
import type { AsyncSpool } from "../../bridge/spool.ts";
import { type Message, RelayClient } from "../../client/index.ts";
import { type Clock, systemClock } from "../../shared/runtime/clock.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { AriPbx } from "../support/asterisk/ariPbx.ts";
import { eventually } from "../support/eventually.ts";
import { TestRelay } from "../support/testRelay.ts";
import { DAY_MILLIS, open, TemporaryDirectory, TestClocks } from "./support.ts";

const FEED = "office";
const OTHERS = 40;

/** The real spool with a test's clocks, in this thread. */
function asyncSpool(path: string, clocks: TestClocks): AsyncSpool & { expire(): void } {
  const spool = open(path, { maxAgeMillis: 30 * DAY_MILLIS }, { clocks, newName: randomUUID });
  return {
    append: async (records, changes) => spool.append(records, changes),
    memory: async () => spool.memory(),
    read: async (limit) => spool.read(limit),
    acknowledge: async (answer) => spool.acknowledge(answer),
    renewProducer: async () => spool.renewProducer(),
    measure: () => spool.measure(),
    close: async () => spool.close(),
    expire: () => spool.expire(),
  };
}

/** The network between the bridge and the relay. */
class Network {
  state: "up" | "answers are lost" | "down" = "up";
  lostAnswers = 0;

  readonly fetch: typeof fetch = async (input, request) => {
    if (this.state === "down") throw new Error("the network is down");
    const response = await fetch(input, request);
    if (this.state === "up") return response;
    await response.text();
    this.lostAnswers += 1;
    this.state = "down";
    throw new Error("the response is lost");
  };
}

it("a bridge that was cut off for eight days resends: nothing is lost, doubled or out of order", async () => {
  const clocks = new TestClocks();
  const clock: Clock = { nowEpochMillis: clocks.nowEpochMillis, sleep: systemClock.sleep };
  using directory = new TemporaryDirectory();
  await using relay = await TestRelay.start({}, undefined, { clock });
  await using pbx = await AriPbx.start();
  const network = new Network();
  const { key } = await relay.createKey({ name: "office", role: "producer", feeds: [FEED] });

  const start = async () => {
    const spool = asyncSpool(join(directory.path, "office.spool"), clocks);
    const bridge = await Pbx.create({
      feed: FEED,
      main: ariSource({ url: pbx.url, username: "ari", password: "secret", app: "relay" }),
      spool,
      client: new RelayClient({ url: relay.relay.url, apiKey: key, fetch: network.fetch }),
      clock,
      log: silentLog,
      newId: randomUUID,
      watchTimes: { settleMillis: 1, confirmMillis: 1, retryMillis: 50, driftEveryMillis: 60_000 },
    });
    bridge.start();
    await eventually("a connection", () => bridge.status().link === "up");
    return { bridge, spool };
  };

  let emitted = 0;
  const emit = (count: number) => {
    for (let n = 0; n < count; n += 1)
      pbx.emit(JSON.stringify({ type: "ChannelUserevent", number: ++emitted }));
  };
  /** What was read already, because what nobody waits for is freed. */
  const read: Message[] = [];
  const readOn = async () => {
    for (;;) {
      const from = (read.at(-1)?.sequence ?? 0) + 1;
      const { messages } = await relay.messages(FEED, { from, limit: 1000 });
      read.push(...messages);
      if (messages.length === 0) return;
    }
  };
  const numbers = () =>
    read.flatMap((message) =>
      "event" in message && message.type === "ChannelUserevent" ? [Number(message.event.number)] : [],
    );

  const before = await start();
  emit(200);
  await eventually("the first events", () => {
    const { counts, spool } = before.bridge.status();
    return counts.received >= 200 && spool.records === 0;
  });
  network.state = "answers are lost";
  emit(100);
  await eventually("the cut", () => network.lostAnswers === 1);
  await eventually("an empty intake", () => before.bridge.status().counts.received >= emitted);
  await readOn();
  expect(numbers().length).toBeGreaterThan(200);

  for (let day = 1; day <= 8; day += 1) {
    clocks.pass(DAY_MILLIS);
    emit(100);
    before.spool.expire();
    await Promise.all(
      Array.from({ length: OTHERS }, (_, other) => {
        const from = { producer: `other-${other}`, position: day };
        const api = other % 2 === 0 ? relay : relay.as(key);
        return api.append(FEED, [{ type: "Other", other, day }], from);
      }),
    );
    await readOn();
  }
  await eventually("the spool", () => before.spool.measure().records >= 800);
  await before.bridge.stop(0);

  network.state = "up";
  const after = await start();
  emit(100);
  await eventually("an empty spool", () => {
    const { counts, spool } = after.bridge.status();
    return counts.received >= 100 && spool.records === 0;
  });
  const { counts } = after.bridge.status();
  await after.bridge.stop(1_000);
  await readOn();

  expect(numbers()).toEqual(Array.from({ length: emitted }, (_, index) => index + 1));
  expect(read.map(({ sequence }) => sequence)).toEqual(read.map((_, index) => index + 1));
  expect(read.filter(({ type }) => type === "Other")).toHaveLength(8 * OTHERS);
  // The new process says that nobody listened while it was away. Nothing else is missing.
  const gaps = read.flatMap((message) =>
    "event" in message && message.type === "RelayGap" ? [message.event.reason] : [],
  );
  expect(gaps).toEqual(["link"]);
  expect(counts).toMatchObject({ refused: 0, dropped: 0 });
  const { producers } = await relay.producers(FEED);
  expect(producers.filter(({ producer }) => !producer.startsWith("other-"))).toHaveLength(1);
}, 60_000);
