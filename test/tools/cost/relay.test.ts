import { describe, expect, it } from "vitest";
import type { Load } from "../../../tools/cost/load.ts";
import {
  groupsOf,
  interpolate,
  keptUp,
  measurement,
  overGroups,
  pageBytes,
  perPage,
} from "../../../tools/cost/measured.ts";
import { quietFeeds } from "../../../tools/cost/quiet.ts";
import { relayBill } from "../../../tools/cost/relay.ts";
import { reportOf, textOf } from "../../../tools/cost/report.ts";

const load: Load = {
  eventsPerSecond: 100,
  sessions: 10,
  eventsPerPage: 50,
  eventBytes: measurement.eventBytes,
  webhookMillis: 200,
  isGzip: false,
  freeing: "at-once",
  tracedFunctions: ["api", "sweep"],
};
const usdOfPart = (name: string, changed: Partial<Load> = {}, owner?: string) =>
  relayBill({ ...load, ...changed })
    .filter((item) => item.name === name && (owner === undefined || item.owner === owner))
    .reduce((sum, { usd }) => sum + usd, 0);
const unitsOfPut =
  measurement.pages.find(({ eventsPerPage }) => eventsPerPage === 50)?.writeUnits ?? Number.NaN;
const usdOf = (changed: Partial<Load>) => reportOf({ ...load, ...changed }).usd;

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
  it("uses exactly the counted figures of ingest at a measured condition", () => {
    const measured = keptUp.filter(({ pagesPerSecond }) => pagesPerSecond === 2);
    const reads = measured.reduce((sum, { usage, pages }) => sum + usage.ingest.readUnits / pages, 0);
    // 5,184,000 pages a month at $0.125 per million units.
    const expected = 5.184 * (reads / measured.length) * 0.125;
    expect(usdOfPart("DynamoDB reads", {}, "Queue table, by ingest")).toBeCloseTo(expected, 9);
  });

  it("charges a put by the units that were counted for pages of 50 events", () => {
    expect(usdOfPart("DynamoDB writes: pages")).toBeCloseTo(5.184 * unitsOfPut * 0.625, 9);
    expect(usdOfPart("DynamoDB writes: pages", { eventBytes: 2 * load.eventBytes })).toBeCloseTo(
      2 * 5.184 * unitsOfPut * 0.625,
      9,
    );
  });

  it("charges each session a write a minute at most for its attempts, and their storage for a week", () => {
    const writes = 43_200 * 10;
    const gigabytes = (writes * (7 / 30) * 400) / 1e9;
    expect(usdOfPart("DynamoDB")).toBeCloseTo(writes * 0.625e-6 + gigabytes * 0.25, 9);
    // A page in ten minutes is a write in ten minutes.
    const seldom = { eventsPerSecond: 1 / 600, eventsPerPage: 1 };
    expect(usdOfPart("DynamoDB", seldom)).toBeCloseTo(usdOfPart("DynamoDB") / 10, 9);
    expect(usdOfPart("DynamoDB", { eventsPerSecond: 0 })).toBe(0);
  });

  it("costs the same for ingest with any number of sessions", () => {
    for (const owner of ["ingest", "Queue table, by ingest", "HTTP API"])
      for (const { name } of relayBill(load).filter((item) => item.owner === owner))
        expect(usdOfPart(name, { sessions: 1000 }, owner)).toBe(usdOfPart(name, { sessions: 1 }, owner));
  });

  it("grows with sessions, with events, and with smaller pages", () => {
    expect(usdOf({ sessions: 100 })).toBeGreaterThan(usdOf({}));
    expect(usdOf({ eventsPerSecond: 200 })).toBeGreaterThan(usdOf({}));
    expect(usdOf({ eventsPerPage: 10 })).toBeGreaterThan(usdOf({}));
    expect(usdOf({ eventBytes: 6_000 })).toBeGreaterThan(usdOf({}));
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
    // Ten groups: three wakes, which one invocation mostly served when they were counted.
    const report = reportOf({ ...load, sessions: 320 });
    expect(report.singleWakesUsd).toBeGreaterThan(report.usd);
  });

  it("charges traces of the traced functions alone: the first of each second, and 5 % of the others", () => {
    expect(usdOfPart("X-Ray traces")).toBeCloseTo(43_200 * 5e-6, 9);
    const traced = { tracedFunctions: ["ingest"] } as const;
    // 5,184,000 invocations, two a second.
    expect(usdOfPart("X-Ray traces", traced)).toBeCloseTo((2_592_000 + 0.05 * 2_592_000) * 5e-6, 9);
  });

  it("of freed pages that expire has no deletions, but their storage for two weeks with its recovery", () => {
    const expire = { freeing: "expire" } as const;
    const deletions = 5.184 * unitsOfPut * 0.625;
    const saved = usdOfPart("DynamoDB: freeing") - usdOfPart("DynamoDB: freeing", expire);
    expect(saved).toBeCloseTo(deletions, 9);
    const gigabytes = (5_184_000 * (14 / 30) * pageBytes(load)) / 1e9;
    expect(usdOfPart("DynamoDB storage and its recovery", expire)).toBeCloseTo(gigabytes * 0.45, 9);
    expect(usdOf(expire)).toBeLessThan(usdOf({}) - 8);
  });

  it("of events from the FIFO queue has their sends and the waiting of ingest, and no API Gateway", () => {
    const quiet = { eventsPerSecond: 5, eventsPerPage: 5 };
    const gathered = { ...quiet, gatherSeconds: 1 };
    expect(usdOfPart("API Gateway", gathered)).toBe(0);
    // A send for each of 12,960,000 events, a receive and a delete for each of 2,592,000 pages.
    expect(usdOfPart("SQS", gathered, "ingest queue")).toBeCloseTo((12.96 + 2 * 2.592) * 0.5, 9);
    const waited = usdOfPart("Lambda", gathered, "ingest") - usdOfPart("Lambda", quiet, "ingest");
    expect(waited).toBeCloseTo(2_592_000 * 0.5 * 13.3334e-6, 6);
  });
});

describe("overGroups", () => {
  // A group costs 7, a session 2.
  const at = (sessions: number) => ({ x: sessions, y: 7 * Math.ceil(sessions / 32) + 2 * sessions });
  const points = [1, 32, 100, 320].map(at);

  it.each([1, 10, 32, 33, 64, 65, 100, 200, 320, 1000])(
    "finds what %i sessions cost when a group and a session have a price each",
    (sessions) => expect(overGroups(points, sessions, 32)).toBeCloseTo(at(sessions).y, 9),
  );

  it("is the counted figure where one was counted", () => {
    const uneven = [...points.slice(0, 2), { x: 100, y: 500 }, { x: 320, y: 501 }];
    for (const { x, y } of uneven) expect(overGroups(uneven, x, 32)).toBeCloseTo(y, 9);
  });
});

describe("the month with cursor groups, counted", () => {
  it("has a group for each 32 sessions", () => {
    expect([1, 32, 33, 1000].map(groupsOf)).toEqual([1, 1, 2, 32]);
  });

  it("writes as much for 32 sessions as for one, and less than a tenth as often as there are sessions", () => {
    const one = perPage("deliver", 2, 1).writeUnits;
    expect(perPage("deliver", 2, 32).writeUnits).toBeLessThan(1.5 * one);
    expect(perPage("deliver", 2, 320).writeUnits).toBeLessThan(32 * one);
  });

  it("charges deliver for the CPU time of its requests, where that is longer than waiting", () => {
    const { seconds, cpuSeconds } = perPage("deliver", 2, 10_000);
    const longest = Math.max(seconds, cpuSeconds / (512 / 1769));
    const invocations = perPage("deliver", 2, 10_000).invocations;
    expect(usdOfPart("Lambda", { sessions: 10_000 }, "deliver")).toBeCloseTo(
      5.184e6 * (longest * 0.5 * 13.3334e-6 + invocations * 0.2e-6),
      6,
    );
  });

  it.each([
    [10, 85],
    [100, 170],
    [1000, 700],
  ])(
    "costs, at 100 events a second and for %i sessions, at most $%i, also if every wake comes alone",
    (sessions, most) => {
      const { usd, singleWakesUsd, alternatives } = reportOf({ ...load, sessions });
      expect(usd).toBeLessThan(most);
      expect(singleWakesUsd).toBeLessThan(most);
      const cheaper = alternatives.filter((way) => way.usd < usd);
      expect(cheaper.filter(({ isOrdered, canReplay }) => isOrdered || canReplay)).toEqual([]);
      if (sessions === 1000) expect(cheaper).toEqual([]);
    },
  );
});

describe("a quiet feed", () => {
  it("costs less than half if its producer gathers for a second, and less than 60 % if ingest does", () => {
    const [single, filled, gathered] = quietFeeds(load).map(({ usd }) => usd);
    expect(filled).toBeLessThan((single ?? 0) / 2);
    expect(gathered).toBeGreaterThan(filled ?? 0);
    expect(gathered).toBeLessThan((single ?? 0) * 0.6);
  });
});

describe("the report", () => {
  const text = textOf(reportOf(load));

  it("lists each item, the sum, the idle cost, and egress separately", () => {
    for (const { name, owner, usd } of relayBill(load))
      if (usd >= 0.005) expect(text).toMatch(new RegExp(`^  ${owner} +${name} `, "m"));
    expect(text).toContain("a month without events");
    expect(text).toContain("not included");
  });

  it("names the cheaper alternatives", () => {
    const report = reportOf(load);
    const cheaper = report.alternatives.filter(({ usd }) => usd < report.usd);
    expect(cheaper.length).toBeGreaterThan(0);
    for (const { name } of cheaper) expect(text.split("Cheaper on this load:")[1]).toContain(name);
    expect(text).toContain("None of those that keep order or replay is cheaper.");
  });

  it.each([1, 100, 10_000])("fits 120 columns with %i sessions", (sessions) => {
    for (const isGzip of [true, false])
      for (const line of textOf(reportOf({ ...load, sessions, isGzip })).split("\n"))
        expect(line.length, line).toBeLessThanOrEqual(120);
  });
});
