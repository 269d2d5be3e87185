import { sweepIntervalSeconds } from "../../shared/aws/limits.ts";
import { GROUPS_IN_WAKE } from "../../shared/queue/hints.ts";
import { readSettings } from "../../shared/runtime/settings.ts";
import * as deployed from "./deployed.ts";
import { gatewayUsage } from "./gateway.ts";
import { eventsPerMonth, type Load, MONTH_SECONDS } from "./load.ts";
import {
  freeingUnitsPerSegment,
  groupsOf,
  type MeteredFunction,
  measurement,
  pageBytes,
  pageWriteUnits,
  perPage,
  perSweep,
} from "./measured.ts";
import { pollingRequests } from "./polling.ts";
import { type Usage, usdOf } from "./prices.ts";

/** One item of the bill. */
export interface BillItem {
  readonly name: string;
  /** The function, table or queue that causes it. */
  readonly owner: string;
  readonly usd: number;
  /** Whether the item is also charged in a month in which nothing happens. */
  readonly idle: boolean;
}

const { segmentSize } = readSettings({});

/** The messages that a feed holds while all sessions keep up: the segment being read and the one before it. */
const HELD_MESSAGES = 2 * segmentSize;

/** Bytes of a line in the embedded metric format, and of a line in the access log. */
const METRIC_LINE_BYTES = 450;
const ACCESS_LINE_BYTES = 350;

/** Of what Lambda traces: the first invocation of each second, and 5% of the others. Nobody can change it. */
const TRACED_PER_SECOND = 1;
const TRACED_SHARE = 0.05;

/** An environment lives for about two hours, and opens each session's configuration and webhook secret once. */
const ENVIRONMENT_SECONDS = 2 * 3600;

/** Each environment reads the management key again after this time. */
const SECRET_READ_SECONDS = 300;

/** The monthly bill of one feed. Egress to the internet is not included: every way of delivering pays it. */
export function relayBill(load: Load): BillItem[] {
  const isIdle = load.eventsPerSecond === 0;
  const pages = isIdle ? 0 : eventsPerMonth(load) / load.eventsPerPage;
  const { ingest, notify, deliver } = usageOf(load, pages);
  const sweeps = MONTH_SECONDS / sweepIntervalSeconds;
  const opened = environments(deliver) * load.sessions * livesPerMonth;
  const sweep = perSweep(load.sessions);
  const isGathered = load.gatherSeconds !== undefined;
  const gigabytes = isIdle ? 0 : storedGigabytes(load);

  const item = (owner: string, name: string, usage: Usage, options: Partial<BillItem> = {}): BillItem => ({
    name,
    owner,
    usd: usdOf(usage),
    idle: false,
    ...options,
  });
  const idle = { idle: true };
  return [
    item("ingest", "Lambda", lambda("ingest", ingest)),
    item("notify", "Lambda", lambda("notify", notify)),
    item("deliver", "Lambda", lambda("deliver", deliver)),
    item("sweep", "Lambda", lambda("sweep", { invocations: sweeps, seconds: sweeps * sweep.seconds }), idle),
    item("Queue table, by ingest", "DynamoDB writes: pages", {
      dynamodbWriteUnit: pages * pageWriteUnits(load),
    }),
    item("Queue table, by ingest", "DynamoDB reads", { dynamodbReadUnit: ingest.readUnits }),
    item("Cursors table, by notify", "DynamoDB writes: marks of wakes", {
      dynamodbWriteUnit: notify.writeUnits,
    }),
    item("Cursors table, by notify", "DynamoDB reads", { dynamodbReadUnit: notify.readUnits }),
    item("Cursors table, by deliver", "DynamoDB writes: progress, references", {
      dynamodbWriteUnit: deliver.writeUnits,
    }),
    item("Queue table, by deliver", "DynamoDB reads", {
      // Each environment reads the configuration of each session once.
      dynamodbReadUnit: deliver.readUnits * readScale(load) + opened,
    }),
    item("Attempts table, by deliver", "DynamoDB", attempts(load, pages)),
    item("Queue table, by sweep", "DynamoDB: freeing", freeing(load, pages)),
    item(
      "Queue table, by sweep",
      "DynamoDB: a look each minute",
      { dynamodbReadUnit: sweeps * sweep.readUnits, dynamodbWriteUnit: sweeps * sweep.writeUnits },
      idle,
    ),
    item("Queue table", "DynamoDB storage and its recovery", {
      dynamodbGigabyteMonth: gigabytes,
      dynamodbRecoveryGigabyteMonth: gigabytes,
    }),
    // Each invocation is one receive and one delete. Sends were counted.
    item("notify queue", "SQS", { sqsRequest: ingest.sends + 2 * notify.invocations }),
    item("wake queue", "SQS", { sqsRequest: notify.sends + deliver.sends + 2 * deliver.invocations }),
    item("ingest queue", "SQS", {
      // A send for each event, a receive and a delete for each page.
      sqsFifoRequest: isGathered ? eventsPerMonth(load) + 2 * pages : 0,
    }),
    item(
      "all queues",
      "SQS polling while empty",
      {
        sqsRequest: pollingRequests(deployed.mappedQueues.standard),
        sqsFifoRequest: pollingRequests(deployed.mappedQueues.fifo),
      },
      idle,
    ),
    item("HTTP API", "API Gateway", { httpApiRequest: isGathered ? 0 : pages }),
    item("all functions, HTTP API", "Logs", {
      logsGigabyte:
        (pages * ACCESS_LINE_BYTES +
          (ingest.invocations + deliver.invocations + (isIdle ? 0 : sweeps)) * METRIC_LINE_BYTES) /
        1e9,
    }),
    item("all functions", "Metrics", { metricMonth: isIdle ? 0 : deployed.ordinaryMetrics.length }),
    ...Object.entries({ ingest, notify, deliver }).map(([name, use]) =>
      item(name, "X-Ray traces", { xrayTrace: traces(load, name, use.invocations) }),
    ),
    item("sweep", "X-Ray traces", { xrayTrace: traces(load, "sweep", sweeps) }, idle),
    item("deliver", "KMS: opening secrets", {
      kmsRequest: opened,
    }),
    item("secrets, alarms", "KMS keys", { kmsKeyMonth: deployed.keys }, idle),
    item("ingest", "Secrets Manager: reading the key", {
      secretRequest: environments(ingest) * (MONTH_SECONDS / SECRET_READ_SECONDS),
    }),
    item("management key", "Secrets Manager", { secretMonth: deployed.secrets }, idle),
    item("monitoring", "Alarms", { alarmMetricMonth: deployed.alarmMetrics }, idle),
    item("monitoring", "Dashboard", { dashboardMonth: deployed.dashboards }, idle),
    ...(load.ami ? gatewayUsage(load, load.ami) : []).map(({ name, usage, idle }) =>
      item("AMI gateway", name, usage, { idle }),
    ),
  ];
}

/**
 * Each session's successes are written once a minute at most, whichever process delivers them, and kept for seven days
 * (shared/sessions/attemptRecorder.ts).
 */
const ATTEMPT_SECONDS = 60;
const ATTEMPT_ITEM_BYTES = 400;
const ATTEMPTS_KEPT_SECONDS = 7 * 86_400;

/** The record of attempts while all endpoints are well. Each item is smaller than a write unit. */
function attempts({ sessions }: Load, pages: number): Usage {
  const written = Math.min(pages, MONTH_SECONDS / ATTEMPT_SECONDS) * sessions;
  const held = written * (ATTEMPTS_KEPT_SECONDS / MONTH_SECONDS);
  return { dynamodbWriteUnit: written, dynamodbGigabyteMonth: (held * ATTEMPT_ITEM_BYTES) / 1e9 };
}

/** A deletion costs as much as the put. What is left to expire costs a read of the segment, to see that it will. */
function freeing(load: Load, pages: number): Usage {
  const segments = pages / pagesPerSegment(load);
  const headUnits = segments * freeingUnitsPerSegment();
  const listUnits = pages * (pageBytes(load) / 4096);
  return load.freeing === "expire"
    ? { dynamodbWriteUnit: headUnits, dynamodbReadUnit: listUnits }
    : { dynamodbWriteUnit: headUnits + pages * pageWriteUnits(load), dynamodbReadUnit: listUnits };
}

function storedGigabytes(load: Load): number {
  const { pageTtlMillis } = readSettings({ RELAY_FREEING: load.freeing });
  const expiring = load.eventsPerSecond * (pageTtlMillis / 1000);
  const messages = load.freeing === "expire" ? expiring : HELD_MESSAGES;
  return (messages / load.eventsPerPage) * (pageBytes(load) / 1e9);
}

/**
 * Lambda gives a function a core at 1,769 MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
 * With many sessions an invocation has more to do than to wait for, and on AWS its CPU is slower than the bench's. So deliver
 * is charged the time that it waits or the time that its CPU needs, whichever is longer.
 */
const DELIVER_CORES = deployed.memoryMebibytes.deliver / 1769;

interface MonthOfUse {
  readonly invocations: number;
  readonly seconds: number;
  readonly sends: number;
  readonly readUnits: number;
  readonly writeUnits: number;
}

const livesPerMonth = MONTH_SECONDS / ENVIRONMENT_SECONDS;

function usageOf(load: Load, pages: number): Record<MeteredFunction, MonthOfUse> {
  const of = (name: MeteredFunction, sessions = load.sessions) => monthOf(name, { ...load, sessions }, pages);
  const ingest = of("ingest");
  const waited = pages * (load.gatherSeconds ?? 0);
  return {
    ingest: { ...ingest, seconds: ingest.seconds + waited },
    notify: of("notify"),
    deliver: of("deliver"),
  };
}

/** Nothing in a month without pages. */
function monthOf(name: MeteredFunction, load: Load, pages: number): MonthOfUse {
  if (pages === 0) return { invocations: 0, seconds: 0, sends: 0, readUnits: 0, writeUnits: 0 };
  const pagesPerSecond = load.eventsPerSecond / load.eventsPerPage;
  const each = perPage(name, pagesPerSecond, load.sessions);
  return {
    invocations: pages * each.invocations,
    seconds:
      pages * (name === "deliver" ? Math.max(each.seconds, each.cpuSeconds / DELIVER_CORES) : each.seconds),
    sends: pages * each.sends,
    readUnits: pages * each.readUnits,
    writeUnits: pages * each.writeUnits,
  };
}

function pagesPerSegment({ eventsPerPage }: Load): number {
  return segmentSize / eventsPerPage;
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

function traces({ tracedFunctions }: Load, name: string, invocations: number): number {
  if (!tracedFunctions.some((each) => each === name)) return 0;
  const reservoir = Math.min(invocations, TRACED_PER_SECOND * MONTH_SECONDS);
  return reservoir + TRACED_SHARE * (invocations - reservoir);
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
 * What the bill grows by if AWS passes every wake to deliver one by one. A wake names some groups of a feed. The bench's event
 * source mapping fills its batches, but AWS spreads wakes over five pollers, so the real bill lies between.
 */
export function singleWakesMoreUsd(load: Load): number {
  if (load.eventsPerSecond === 0) return 0;
  const pages = eventsPerMonth(load) / load.eventsPerPage;
  const receiving = (sessions: number) => {
    const month = monthOf("deliver", { ...load, sessions }, pages);
    return usdOf(lambda("deliver", month)) + usdOf({ sqsRequest: 2 * month.invocations });
  };
  const wakes = Math.ceil(groupsOf(load.sessions) / GROUPS_IN_WAKE);
  return Math.max(0, wakes * receiving(load.sessions / wakes) - receiving(load.sessions));
}
