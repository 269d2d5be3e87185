import { describe, expect, it } from "vitest";
import { alternatives } from "../../../tools/cost/alternatives.ts";
import { eventsPerMonth, type Load } from "../../../tools/cost/load.ts";
import { usdOf } from "../../../tools/cost/prices.ts";

/** The load of the figures calculated by hand: 100 events per second of 600 bytes, 50 per request. */
const load = (sessions: number): Load => ({
  eventsPerSecond: 100,
  sessions,
  eventsPerPage: 50,
  eventBytes: 600,
  webhookMillis: 200,
  isGzip: false,
  freeing: "at-once",
  tracedFunctions: [],
});

const perMillion = (sessions: number) =>
  alternatives(load(sessions)).map(({ usd }) => (usd / (eventsPerMonth(load(sessions)) * sessions)) * 1e6);

describe("the cost of a million deliveries by other ways", () => {
  // Calculated by hand: publish and PUT once per event, shared by the sessions; the rest per delivery.
  it.each([
    [1, [0.148, 0.548, 0.052, 1.2, 0.024, 0.123, 0.67]],
    [10, [0.103, 0.503, 0.043, 0.3, 0.006, 0.073, 0.67]],
    [100, [0.098, 0.498, 0.042, 0.21, 0.004, 0.07, 0.67]],
    [1000, [0.098, 0.498, 0.042, 0.201, 0.004, 0.07, 0.67]],
  ])("for %i sessions matches the calculation by hand", (sessions, expected) => {
    expected.forEach((usd, index) => {
      expect(Math.abs((perMillion(sessions)[index] ?? 0) - usd)).toBeLessThanOrEqual(0.00101);
    });
  });

  it("is about 6 cents for a copy of each page, including 2.5 for the write", () => {
    expect(perMillion(100).at(-1)).toBeCloseTo(0.061, 2);
  });

  it("makes a monthly bill of thousands for a thousand sessions", () => {
    const [sns, , , eventBridge] = alternatives(load(1000));
    expect(Math.abs((sns?.usd ?? 0) - 25_328)).toBeLessThan(100);
    expect(Math.abs((eventBridge?.usd ?? 0) - 52_099)).toBeLessThan(1);
  });
});

describe("an idle month", () => {
  it("costs the polling of a queue per session if each session has a queue: 26 cents for five pollers", () => {
    const idle = alternatives(load(10_000)).map(({ idleUsd }) => idleUsd);
    expect(idle[0]).toBeCloseTo(2_592, 0);
    expect(idle[3]).toBe(0);
  });

  it("is the minimum of a month's cost", () => {
    for (const { usd, idleUsd } of alternatives({ ...load(10), eventsPerSecond: 0.001 }))
      expect(usd).toBeGreaterThanOrEqual(idleUsd);
  });

  it("costs $10.80 per Kinesis consumer, and a shard per twenty consumers", () => {
    expect(alternatives(load(20))[5]?.idleUsd).toBeCloseTo(20 * 10.8 + 10.8, 6);
  });
});

describe("prices", () => {
  it("give the sum for a million wakes calculated by hand: $4.57, including $2.50 for four writes", () => {
    const million = 1e6;
    const wakes = {
      sqsRequest: million * (0.1 + 2),
      dynamodbWriteUnit: million * 4,
      dynamodbReadUnit: million * 2,
      lambdaRequest: million,
      lambdaGigabyteSecond: million * 0.205 * 0.25,
    };
    const fairQueueSurcharge = 0.1;
    expect(usdOf(wakes) + fairQueueSurcharge).toBeCloseTo(4.573, 3);
  });

  it("give the price of a page's put calculated by hand: two units, $1.25 per million", () => {
    expect(usdOf({ dynamodbWriteUnit: 2e6 })).toBeCloseTo(1.25, 9);
  });
});

describe("egress", () => {
  it("is the same for all uncompressed ways: $0.09 a gigabyte of what every session is sent", () => {
    const expected = 100 * 2_592_000 * 10 * 600 * 0.09e-9;
    for (const { egressUsd } of alternatives(load(10))) expect(egressUsd).toBeCloseTo(expected, 6);
  });

  it("shrinks with gzip only where a function of one's own sends", () => {
    const plain = alternatives(load(10));
    alternatives({ ...load(10), isGzip: true }).forEach(({ name, egressUsd }, index) => {
      const before = plain[index]?.egressUsd ?? 0;
      if (name.startsWith("EventBridge")) expect(egressUsd).toBe(before);
      else expect(egressUsd).toBeLessThan(before / 10);
    });
  });
});
