import { randomUUID } from "node:crypto";
import type { ScheduledEvent } from "aws-lambda";
import { type Clock, systemClock } from "../shared/runtime/clock.ts";
import type { Log } from "../shared/runtime/log.ts";
import { invoke, type LocalFunction } from "./invoke.ts";

export interface ScheduleOptions {
  readonly target: LocalFunction<ScheduledEvent>;
  readonly everyMillis: number;
  readonly log: Log;
  readonly clock?: Pick<Clock, "sleep"> & SteadyTime;
}

/** Time that no change of the machine's clock moves: for intervals, and for nothing else. */
export interface SteadyTime {
  steadyMillis(): number;
}

const steadyClock = { ...systemClock, steadyMillis: () => performance.now() };

export interface Schedule {
  /** No further invocation begins; resolves when a running one has ended. */
  stop(): Promise<void>;
}

/** Invokes a function at a fixed interval, as a schedule of AWS does, but never two at a time. */
export function startSchedule(options: ScheduleOptions): Schedule {
  const stopping = new AbortController();
  const running = keepInvoking(options, stopping.signal);
  return {
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}

async function keepInvoking(options: ScheduleOptions, stopping: AbortSignal): Promise<void> {
  const { target, everyMillis, log, clock = steadyClock } = options;
  let dueMillis = clock.steadyMillis() + everyMillis;
  for (;;) {
    await clock.sleep(Math.max(0, dueMillis - clock.steadyMillis()), stopping);
    if (stopping.aborted) return;
    try {
      await invoke(target, scheduledEvent(target, new Date()));
    } catch (error) {
      log.error("invocation failed", { function: target.name, error: String(error) });
    }
    // Times that passed meanwhile are left out; a run that took longer than the interval leaves a full pause.
    const nextMillis = dueMillis + everyMillis;
    dueMillis = nextMillis > clock.steadyMillis() ? nextMillis : clock.steadyMillis() + everyMillis;
  }
}

function scheduledEvent(target: LocalFunction<ScheduledEvent>, time: Date): ScheduledEvent {
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": "Scheduled Event",
    source: "aws.scheduler",
    account: "000000000000",
    time: `${time.toISOString().slice(0, 19)}Z`,
    region: target.region,
    resources: [`arn:aws:scheduler:${target.region}:000000000000:schedule/default/${target.name}`],
    detail: {},
  };
}
