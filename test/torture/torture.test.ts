import { describe, expect, it } from "vitest";
import { EngineWorld } from "../proof/engineWorld.ts";
import { tortureBridge } from "./bridgeRun.ts";
import { tortureRelay } from "./relayRun.ts";
import { tortureSchedules } from "./schedulesRun.ts";

const SEED = Number(process.env.SEED ?? 1);
const SCHEDULES = 20;

/** The short form of `npm run torture`. */
describe(`torture for some seconds, seed ${SEED}`, () => {
  it("the whole relay keeps every invariant under a steady load while it is killed repeatedly", async () => {
    const report = await tortureRelay({
      seconds: 10,
      seed: SEED,
      eventsPerSecond: 60,
      meanLifeSeconds: 2,
      print: () => {},
    });
    expect(report.problems).toEqual([]);
    expect(report.kills).toBeGreaterThan(0);
    expect(report.accepted).toBeGreaterThan(100);
    expect(report.requests).toBeGreaterThan(report.repeatedRequests);
  }, 200_000);

  it("every event that a PBX handed over is in the queue once, or in a gap, while PBX, bridge, relay and network fail", async () => {
    const { problems, faults, feeds } = await tortureBridge({
      seconds: 60,
      maxFaults: 4,
      seed: SEED,
      eventsPerSecond: 100,
      meanCalmSeconds: 0.5,
      print: () => {},
    });
    expect(problems).toEqual([]);
    expect(Object.keys(faults)).toHaveLength(4);
    for (const { handedOver, queued, gaps } of Object.values(feeds)) {
      expect(queued).toBeGreaterThan(0.5 * handedOver);
      expect(gaps.restart).toBe(1);
    }
  }, 200_000);

  it("random schedules with random faults keep every invariant", async () => {
    await using world = await EngineWorld.start();
    const { runs, failed } = await tortureSchedules(world, SEED, (done) => done === SCHEDULES);
    if (failed) throw new Error(`seed ${failed.seed}: ${failed.verdict.problems.join("; ")}`);
    expect(runs).toBe(SCHEDULES);
  }, 200_000);
});
