import type { ScheduledEvent } from "aws-lambda";
import { expect, it } from "vitest";
import { type SteadyTime, startSchedule } from "../../local/schedule.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { until } from "./support/until.ts";

/** A clock that moves only by sleeps. `pauses` records their lengths. */
function sleepingClock(pauses: number[], mostPauses: number): Clock & SteadyTime & { now: number } {
  return {
    now: 1_700_000_000_000,
    nowEpochMillis() {
      return this.now;
    },
    steadyMillis() {
      return this.now;
    },
    async sleep(millis, signal) {
      if (pauses.length === mostPauses)
        await new Promise((resolve) => signal?.addEventListener("abort", resolve));
      else pauses.push(millis);
      this.now += millis;
    },
  };
}

const target = (handler: (event: ScheduledEvent) => Promise<unknown>) => ({
  name: "sweep",
  region: "us-east-1",
  timeoutMillis: 1_000,
  handler,
});

it("invokes at a fixed interval with a scheduled event, even after a failure", async () => {
  const pauses: number[] = [];
  const clock = sleepingClock(pauses, 3);
  const events: ScheduledEvent[] = [];
  const schedule = startSchedule({
    target: target(async (event) => {
      events.push(event);
      clock.now += 100;
      if (events.length === 1) throw new Error("broken");
    }),
    everyMillis: 5_000,
    log: silentLog,
    clock,
  });
  await until(() => events.length === 3, "three invocations");
  await schedule.stop();
  expect(pauses).toEqual([5_000, 4_900, 4_900]);
  expect(events[0]).toEqual({
    version: "0",
    id: expect.any(String),
    "detail-type": "Scheduled Event",
    source: "aws.scheduler",
    account: "000000000000",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    region: "us-east-1",
    resources: ["arn:aws:scheduler:us-east-1:000000000000:schedule/default/sweep"],
    detail: {},
  });
});

it("never overlaps, and skips the times that a long run missed", async () => {
  const pauses: number[] = [];
  const clock = sleepingClock(pauses, 2);
  let runs = 0;
  const schedule = startSchedule({
    target: target(async () => {
      runs++;
      clock.now += 12_000;
    }),
    everyMillis: 5_000,
    log: silentLog,
    clock,
  });
  await until(() => runs === 2, "two invocations");
  await schedule.stop();
  expect(pauses).toEqual([5_000, 5_000]);
});

it("on stop waits for the running invocation", async () => {
  const gate = Promise.withResolvers<void>();
  let began = false;
  let ended = false;
  const schedule = startSchedule({
    target: target(async () => {
      began = true;
      await gate.promise;
      ended = true;
    }),
    everyMillis: 1,
    log: silentLog,
  });
  await until(() => began, "the invocation begins");
  const stopped = schedule.stop();
  gate.resolve();
  await stopped;
  expect(ended).toBe(true);
});

it("keeps its interval when the machine's clock is set back or forward", async () => {
  const pauses: number[] = [];
  const clock = sleepingClock(pauses, 4);
  let wallClock = 1_700_000_000_000;
  let runs = 0;
  const schedule = startSchedule({
    target: target(async () => {
      runs++;
      wallClock += runs % 2 === 0 ? 3_600_000 : -3_600_000;
    }),
    everyMillis: 5_000,
    log: silentLog,
    clock: Object.assign(clock, { nowEpochMillis: () => wallClock }),
  });
  await until(() => runs === 4, "four invocations");
  await schedule.stop();
  expect(pauses).toEqual([5_000, 5_000, 5_000, 5_000]);
});
