import { sweepIntervalSeconds } from "../../shared/aws/limits.ts";
import * as deployed from "./deployed.ts";
import { gatewayUsage } from "./gateway.ts";
import { eventsPerMonth, type Load, MONTH_SECONDS } from "./load.ts";
import {
  type MeteredFunction,
  measurement,
  meteredFunctions,
  pageBytes,
  perPage,
  perSweep,
} from "./measured.ts";
import { pollingRequests } from "./polling.ts";
import { type Usage, usdOf } from "./prices.ts";

/** One item of the bill. */
export interface BillItem {
  readonly name: string;
  readonly usd: number;
  /** Whether the item is also charged in a month in which nothing happens. */
  readonly idle: boolean;
}

/** The messages that a feed holds while all sessions keep up: the segment being read and the one before it. */
const HELD_MESSAGES = 2 * 5_000;

/** Bytes of a line in the embedded metric format, and of a line in the access log. */
const METRIC_LINE_BYTES = 450;
const ACCESS_LINE_BYTES = 350;

/** X-Ray's default rule: the first request of each second, and 5% of the others. */
const TRACED_PER_SECOND = 1;
const TRACED_SHARE = 0.05;

/** An environment lives for about two hours and opens each session's webhook secret once. */
const ENVIRONMENT_SECONDS = 2 * 3600;

/** Each environment reads the management key again after this time. */
const SECRET_READ_SECONDS = 300;

/** The monthly bill of one feed. Egress to the internet is not included: every way of delivering pays it. */
export function relayBill(load: Load): BillItem[] {
  const isIdle = load.eventsPerSecond === 0;
  const pages = isIdle ? 0 : eventsPerMonth(load) / load.eventsPerPage;
  const use = Object.fromEntries(
    meteredFunctions.map((name) => [name, isIdle ? nothing : monthOf(name, load, pages)]),
  ) as Record<MeteredFunction, MonthOfUse>;
  const sweeps = MONTH_SECONDS / sweepIntervalSeconds;
  const sweep = perSweep(load.sessions);
  const putUnits = Math.ceil(pageBytes(load) / 1024);
  const freeUnits = (measurement.freeing.writeUnitsPerPage * putUnits) / measuredPutUnits();
  const measuredWrites = use.notify.writeUnits + use.deliver.writeUnits;
  const hintInvocations = use.notify.invocations + use.deliver.invocations;

  const item = (name: string, usage: Usage, idle = false): BillItem => ({ name, usd: usdOf(usage), idle });
  return [
    ...meteredFunctions.map((name) => item(`Lambda ${name}`, lambda(name, use[name]))),
    item("Lambda sweep", lambda("sweep", { invocations: sweeps, seconds: sweeps * sweep.seconds }), true),
    item("DynamoDB writes: pages", { dynamodbWriteUnit: pages * putUnits }),
    item("DynamoDB writes: cursors, references", { dynamodbWriteUnit: measuredWrites }),
    item("DynamoDB: attempts", attempts(load, pages)),
    item("DynamoDB writes: freeing", { dynamodbWriteUnit: pages * freeUnits }),
    item("DynamoDB reads", {
      dynamodbReadUnit: use.ingest.readUnits + use.notify.readUnits + use.deliver.readUnits * readScale(load),
    }),
    item(
      "DynamoDB reads and writes: sweep",
      { dynamodbReadUnit: sweeps * sweep.readUnits, dynamodbWriteUnit: sweeps * sweep.writeUnits },
      true,
    ),
    item("DynamoDB storage", {
      dynamodbGigabyteMonth: isIdle ? 0 : (HELD_MESSAGES / load.eventsPerPage) * (pageBytes(load) / 1e9),
    }),
    // Each invocation is one receive and one delete. Sends were counted.
    item("SQS hints", {
      sqsRequest: use.ingest.sends + use.notify.sends + use.deliver.sends + 2 * hintInvocations,
    }),
    item(
      "SQS polling of empty queues",
      {
        sqsRequest: pollingRequests(deployed.mappedQueues.standard),
        sqsFifoRequest: pollingRequests(deployed.mappedQueues.fifo),
      },
      true,
    ),
    item("API Gateway", { httpApiRequest: pages }),
    item("Logs", {
      logsGigabyte:
        (pages * ACCESS_LINE_BYTES +
          (use.ingest.invocations + use.deliver.invocations + (isIdle ? 0 : sweeps)) * METRIC_LINE_BYTES) /
        1e9,
    }),
    item("Metrics", { metricMonth: isIdle ? 0 : deployed.ordinaryMetrics.length }),
    item("X-Ray traces", { xrayTrace: traces(use.ingest) + traces(use.notify) + traces(use.deliver) }),
    item("X-Ray traces: sweep", { xrayTrace: traces({ ...nothing, invocations: sweeps, seconds: 0 }) }, true),
    item("KMS requests", { kmsRequest: environments(use.deliver) * load.sessions * livesPerMonth }),
    item("KMS keys", { kmsKeyMonth: deployed.keys }, true),
    item("Secrets Manager requests", {
      secretRequest: environments(use.ingest) * (MONTH_SECONDS / SECRET_READ_SECONDS),
    }),
    item("Secrets Manager", { secretMonth: deployed.secrets }, true),
    item("Alarms", { alarmMetricMonth: deployed.alarmMetrics }, true),
    item("Dashboard", { dashboardMonth: deployed.dashboards }, true),
    ...(load.ami ? gatewayUsage(load, load.ami) : []).map(({ name, usage, idle }) => item(name, usage, idle)),
  ];
}

/** Each session's successes are written once a minute at most, and kept for seven days (shared/sessions/attempt.ts). */
const ATTEMPT_SECONDS = 60;
const ATTEMPT_ITEM_BYTES = 400;
const ATTEMPTS_KEPT_SECONDS = 7 * 86_400;

/** The record of attempts while all endpoints are well. Each item is smaller than a write unit. */
function attempts({ sessions }: Load, pages: number): Usage {
  const written = Math.min(pages, MONTH_SECONDS / ATTEMPT_SECONDS) * sessions;
  const held = written * (ATTEMPTS_KEPT_SECONDS / MONTH_SECONDS);
  return { dynamodbWriteUnit: written, dynamodbGigabyteMonth: (held * ATTEMPT_ITEM_BYTES) / 1e9 };
}

interface MonthOfUse {
  readonly invocations: number;
  readonly seconds: number;
  readonly sends: number;
  readonly readUnits: number;
  readonly writeUnits: number;
}

const nothing: MonthOfUse = { invocations: 0, seconds: 0, sends: 0, readUnits: 0, writeUnits: 0 };
const livesPerMonth = MONTH_SECONDS / ENVIRONMENT_SECONDS;

function monthOf(name: MeteredFunction, load: Load, pages: number): MonthOfUse {
  const each = perPage(name, load.eventsPerSecond / load.eventsPerPage, load.sessions);
  return {
    invocations: pages * each.invocations,
    seconds: pages * each.seconds,
    sends: pages * each.sends,
    readUnits: pages * each.readUnits,
    writeUnits: pages * each.writeUnits,
  };
}

function lambda(
  name: keyof typeof deployed.memoryMebibytes,
  { invocations, seconds }: Pick<MonthOfUse, "invocations" | "seconds">,
): Usage {
  return {
    lambdaRequest: invocations,
    lambdaGigabyteSecond: (seconds * deployed.memoryMebibytes[name]) / 1024,
  };
}

/** The average number of busy environments. */
function environments({ seconds }: MonthOfUse): number {
  return seconds === 0 ? 0 : Math.max(1, seconds / MONTH_SECONDS);
}

function traces({ invocations }: MonthOfUse): number {
  const reservoir = Math.min(invocations, TRACED_PER_SECOND * MONTH_SECONDS);
  return reservoir + TRACED_SHARE * (invocations - reservoir);
}

function measuredPutUnits(): number {
  const { eventsPerPage } = measurement.freeing;
  return measurement.pages.find((page) => page.eventsPerPage === eventsPerPage)?.writeUnits ?? 1;
}

/** Larger pages take more read units. Scaling all reads with the page size overestimates them. */
function readScale(load: Load): number {
  const measured = pageBytes({
    eventsPerPage: measurement.freeing.eventsPerPage,
    eventBytes: measurement.eventBytes,
  });
  return Math.max(1, pageBytes(load) / measured);
}

/**
 * The bill if AWS passed every wake to deliver one by one. The bench's event source mapping fills its batches, but AWS
 * spreads wakes over five pollers, so the real bill lies between.
 */
export function singleWakesUsd(load: Load): number {
  if (load.eventsPerSecond === 0) return 0;
  const pages = eventsPerMonth(load) / load.eventsPerPage;
  const alone = monthOf("deliver", { ...load, sessions: 1 }, pages);
  const once = usdOf(lambda("deliver", alone)) + usdOf({ sqsRequest: 2 * alone.invocations });
  return once * load.sessions;
}

export function deliverLambdaUsd(load: Load): number {
  if (load.eventsPerSecond === 0) return 0;
  const month = monthOf("deliver", load, eventsPerMonth(load) / load.eventsPerPage);
  return usdOf(lambda("deliver", month)) + usdOf({ sqsRequest: 2 * month.invocations });
}
