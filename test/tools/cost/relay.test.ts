import { describe, expect, it } from "vitest";
import type { Load } from "../../../tools/cost/load.ts";
import { interpolate, measurement, pageBytes, perPage } from "../../../tools/cost/measured.ts";
import { relayBill } from "../../../tools/cost/relay.ts";
import { reportOf, textOf } from "../../../tools/cost/report.ts";

const load: Load = {
  eventsPerSecond: 100,
  sessions: 10,
  eventsPerPage: 50,
  eventBytes: measurement.eventBytes,
  webhookMillis: 200,
};
const usdOfPart = (name: string, changed: Partial<Load> = {}) =>
  relayBill({ ...load, ...changed }).find((item) => item.name === name)?.usd ?? Number.NaN;

describe("interpolate", () => {
  const points = [
    { x: 1, y: 10 },
    { x: 3, y: 30 },
    { x: 5, y: 32 },
  ];
  it.each([
    [1, 10],
    [2, 20],
    [3, 30],
    [4, 31],
    [7, 34],
    [0, 0],
  ])("at %d is %d", (x, y) => expect(interpolate(points, x)).toBeCloseTo(y, 9));
});

describe("the relay's month", () => {
  it("uses exactly the counted figures at a measured condition", () => {
    const measured = measurement.steady.find((each) => each.pagesPerSecond === 2 && each.sessions === 10);
    const { pages = 1, usage } = measured ?? {};
    const deliver = perPage("deliver", 2, 10);
    expect(deliver.writeUnits).toBeCloseTo((usage?.deliver.writeUnits ?? 0) / pages, 9);
    expect(deliver.invocations).toBeCloseTo((usage?.deliver.invocations ?? 0) / pages, 9);
    // 5,184,000 pages a month at $0.625 per million units: notify's marks plus deliver's writes.
    const units = ((usage?.deliver.writeUnits ?? 0) + (usage?.notify.writeUnits ?? 0)) / pages;
    expect(usdOfPart("DynamoDB writes: cursors, references")).toBeCloseTo(5.184 * units * 0.625, 6);
  });

  it("charges a put by the size of the item: five units of a kilobyte for 50 events", () => {
    const units = Math.ceil(pageBytes(load) / 1024);
    expect(units).toBe(5);
    expect(usdOfPart("DynamoDB writes: pages")).toBeCloseTo(5.184 * units * 0.625, 9);
  });

  it("charges each session a write a minute at most for its attempts, and their storage for a week", () => {
    const writes = 43_200 * 10;
    const gigabytes = (writes * (7 / 30) * 400) / 1e9;
    expect(usdOfPart("DynamoDB: attempts")).toBeCloseTo(writes * 0.625e-6 + gigabytes * 0.25, 9);
    // A page in ten minutes is a write in ten minutes.
    const seldom = { eventsPerSecond: 1 / 600, eventsPerPage: 1 };
    expect(usdOfPart("DynamoDB: attempts", seldom)).toBeCloseTo(usdOfPart("DynamoDB: attempts") / 10, 9);
    expect(usdOfPart("DynamoDB: attempts", { eventsPerSecond: 0 })).toBe(0);
  });

  it("costs the same for ingest with any number of sessions", () => {
    for (const name of ["Lambda ingest", "DynamoDB writes: pages", "API Gateway"])
      expect(usdOfPart(name, { sessions: 1000 })).toBe(usdOfPart(name, { sessions: 1 }));
  });

  it("grows with sessions, with events, and with smaller pages", () => {
    const usd = (changed: Partial<Load>) => reportOf({ ...load, ...changed }).usd;
    expect(usd({ sessions: 100 })).toBeGreaterThan(usd({}));
    expect(usd({ eventsPerSecond: 200 })).toBeGreaterThan(usd({}));
    expect(usd({ eventsPerPage: 10 })).toBeGreaterThan(usd({}));
    expect(usd({ eventBytes: 6_000 })).toBeGreaterThan(usd({}));
  });

  it("without events has only the fixed items and the polling: all other items are 0", () => {
    const idle = relayBill({ ...load, eventsPerSecond: 0 });
    expect(idle.filter((item) => !item.idle && item.usd !== 0)).toEqual([]);
    // Four queues, five polls every 20 seconds: 648,000 requests each. Those of the FIFO queue cost 25% more.
    expect(idle.find(({ name }) => name.startsWith("SQS polling"))?.usd).toBeCloseTo(
      0.648 * (3 * 0.4 + 0.5),
      9,
    );
    expect(idle.find(({ name }) => name === "KMS keys")?.usd).toBe(2);
  });

  it("costs more when AWS passes on every wake alone", () => {
    const report = reportOf(load);
    expect(report.singleWakesUsd).toBeGreaterThan(report.usd);
  });
});

describe("the report", () => {
  const text = textOf(reportOf(load));

  it("lists each item, the sum, the idle cost, and egress separately", () => {
    for (const { name } of relayBill(load)) expect(text).toContain(name);
    expect(text).toContain("a month without events");
    expect(text).toContain("not included");
  });

  it("names the cheaper alternatives", () => {
    const report = reportOf(load);
    const cheaper = report.alternatives.filter(({ usd }) => usd < report.usd);
    expect(cheaper.length).toBeGreaterThan(0);
    for (const { name } of cheaper) expect(text.split("Cheaper on this load: ")[1]).toContain(name);
  });
});
