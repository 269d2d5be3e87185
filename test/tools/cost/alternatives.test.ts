import { describe, expect, it } from "vitest";
import { alternatives } from "../../../tools/cost/alternatives.ts";
import { eventsPerMonth, type Load } from "../../../tools/cost/load.ts";
import { usdOf } from "../../../tools/cost/prices.ts";

/** The load of the figures that were worked out by hand: 100 events a second of 600 bytes, 50 in a request. */
const load = (sessions: number): Load => ({
  eventsPerSecond: 100,
  sessions,
  eventsPerPage: 50,
  eventBytes: 600,
  webhookMillis: 200,
});

const perMillion = (sessions: number) =>
  alternatives(load(sessions)).map(({ usd }) => (usd / (eventsPerMonth(load(sessions)) * sessions)) * 1e6);

describe("what a million deliveries costs by other ways", () => {
  // Worked by hand: publish and PUT once per event and shared by the sessions, the rest per delivery.
  it.each([
    [1, [0.148, 0.548, 0.052, 1.2, 0.024, 0.123, 0.67]],
    [10, [0.103, 0.503, 0.043, 0.3, 0.006, 0.073, 0.67]],
    [100, [0.098, 0.498, 0.042, 0.21, 0.004, 0.07, 0.67]],
    [1000, [0.098, 0.498, 0.042, 0.201, 0.004, 0.07, 0.67]],
  ])("for %i sessions is what was worked out by hand", (sessions, expected) => {
    expected.forEach((usd, index) => {
      expect(Math.abs((perMillion(sessions)[index] ?? 0) - usd)).toBeLessThanOrEqual(0.00101);
    });
  });

  it("is about 6 cents for a copy of each page, of which the write is 2.5", () => {
    expect(perMillion(100).at(-1)).toBeCloseTo(0.061, 2);
  });

  it("is a month's bill of thousands at a thousand sessions", () => {
    const [sns, , , eventBridge] = alternatives(load(1000));
    expect(Math.abs((sns?.usd ?? 0) - 25_328)).toBeLessThan(100);
    expect(Math.abs((eventBridge?.usd ?? 0) - 52_099)).toBeLessThan(1);
  });
});

describe("an idle month", () => {
  it("costs a queue's polling per session where a session is a queue: 26 cents for five pollers", () => {
    const idle = alternatives(load(10_000)).map(({ idleUsd }) => idleUsd);
    expect(idle[0]).toBeCloseTo(2_592, 0);
    expect(idle[3]).toBe(0);
  });

  it("is the least that a month costs", () => {
    for (const { usd, idleUsd } of alternatives({ ...load(10), eventsPerSecond: 0.001 }))
      expect(usd).toBeGreaterThanOrEqual(idleUsd);
  });

  it("costs $10.80 per consumer of Kinesis, and a shard for twenty of them", () => {
    expect(alternatives(load(20))[5]?.idleUsd).toBeCloseTo(20 * 10.8 + 10.8, 6);
  });
});

describe("prices", () => {
  it("make the hand-worked sum of a million wakes: $4.57 of which four writes are $2.50", () => {
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

  it("make the hand-worked price of a page's put: two units, $1.25 per million", () => {
    expect(usdOf({ dynamodbWriteUnit: 2e6 })).toBeCloseTo(1.25, 9);
  });
});
