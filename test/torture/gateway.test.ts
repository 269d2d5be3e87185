import { describe, expect, it } from "vitest";
import { floodGateway } from "./gatewayFloods.ts";
import { replayThroughGateway } from "./gatewayReplay.ts";
import { tortureGatewayRestarts } from "./gatewayRestarts.ts";

const SEED = Number(process.env.SEED ?? 1);

/** The short form of `npm run torture -- --gateway`. */
describe(`torture of the AMI gateway for some seconds, seed ${SEED}`, () => {
  it("clients with resume miss nothing while its process is ended and killed, and are given a few seconds again at most", async () => {
    const report = await tortureGatewayRestarts({
      seconds: 12,
      seed: SEED,
      eventsPerSecond: 50,
      users: 3,
      meanLifeSeconds: 2,
      print: () => {},
    });
    expect(report.problems).toEqual([]);
    expect(report.kills + report.terminations).toBeGreaterThan(0);
    expect(report.connections).toBeGreaterThan(3);
    expect(report.appended).toBeGreaterThan(50);
  }, 200_000);

  it("a busy PBX at full speed reaches every client that reads, beside one that does not, within the memory of a task", async () => {
    const report = await replayThroughGateway({
      events: 60_000,
      clients: 3,
      // Each one collects garbage, which would take more time than the replay.
      samplesPerSecond: 2,
      isShort: true,
    });
    expect(report.problems).toEqual([]);
  }, 200_000);

  it("hostile connections do not keep clients from logging in, delay their events or make its memory grow", async () => {
    const report = await floodGateway({
      seconds: 10,
      seed: SEED,
      connectsPerMinute: 10_000,
      samplesPerSecond: 10,
    });
    expect(report.problems).toEqual([]);
    expect(report.memory.isFlat).toBe(true);
    expect(report.logins).toBeGreaterThan(1);
    expect(Object.keys(report.attacks)).toHaveLength(8);
    // One second is the time for a failed login: nobody waits for those.
    expect(report.slowestEventMillis).toBeLessThan(5_000);
  }, 200_000);
});
