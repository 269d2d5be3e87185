import { plainEgressUsd } from "./egress.ts";
import { chunks, eventsPerMonth, type Load, MONTH_HOURS } from "./load.ts";
import { pollingRequests } from "./polling.ts";
import { type Usage, usdOf } from "./prices.ts";

/** Another way to deliver the same events to the same webhooks. */
export interface Alternative {
  readonly name: string;
  /** Whether each session gets the events in their order. */
  readonly isOrdered: boolean;
  /** Whether a session can be sent again what it was sent before. */
  readonly canReplay: boolean;
  /** The features it lacks compared with the relay, or its limits. */
  readonly lacks: string;
  readonly usd: number;
  /** The cost of a month in which nothing happens. */
  readonly idleUsd: number;
  readonly egressUsd: number;
}

/** A function with 256 MB that only waits for the webhook. */
const MEMORY_GIGABYTES = 0.25;
const OVERHEAD_MILLIS = 5;

/** The batch size of SNS, SQS and the event source mapping. */
const BATCH = 10;

/** Consumers per stream with enhanced fan-out. */
const CONSUMERS_PER_STREAM = 20;
const SHARD_BYTES_PER_SECOND = 1_000_000;
const SHARD_RECORDS_PER_SECOND = 1_000;

export function alternatives(load: Load): Alternative[] {
  // With little traffic, the idle cost is the bill.
  return ways(load).map(({ isCompressible, ...way }) => ({
    ...way,
    usd: Math.max(way.usd, way.idleUsd),
    egressUsd: plainEgressUsd({ ...load, isGzip: load.isGzip && isCompressible }),
  }));
}

/** `isCompressible`: its requests come from a function of one's own, which may use gzip. An API destination cannot. */
interface Way extends Omit<Alternative, "egressUsd"> {
  readonly isCompressible: boolean;
}

const UNORDERED = { isOrdered: false, canReplay: false };
const OWN_FUNCTION = { isCompressible: true };
const API_DESTINATION = { isCompressible: false, idleUsd: 0 };

function ways(load: Load): Way[] {
  const idleQueue = usdOf({ sqsRequest: pollingRequests(1) }) * load.sessions;
  return [
    {
      name: "SNS, SQS and Lambda, by event",
      ...UNORDERED,
      ...OWN_FUNCTION,
      lacks: "a queue for each session",
      usd: usdOf(snsPerEvent(load)),
      idleUsd: idleQueue,
    },
    {
      name: "the same, if SQS bills what SNS sends",
      ...UNORDERED,
      ...OWN_FUNCTION,
      lacks: "AWS does not say",
      usd: usdOf(snsPerEvent(load)) + usdOf({ sqsRequest: deliveriesPerMonth(load) }),
      idleUsd: idleQueue,
    },
    {
      name: "SNS, SQS and Lambda, by page, sends billed",
      ...UNORDERED,
      ...OWN_FUNCTION,
      lacks: "a queue for each session",
      usd: usdOf(snsPerPage(load)),
      idleUsd: idleQueue,
    },
    {
      name: "EventBridge API destinations, by event",
      ...UNORDERED,
      ...API_DESTINATION,
      lacks: "gives up after 24 h",
      usd: usdOf(eventBridge(load, 1)),
    },
    {
      name: "EventBridge API destinations, by page",
      ...UNORDERED,
      ...API_DESTINATION,
      lacks: "gives up after 24 h",
      usd: usdOf(eventBridge(load, load.eventsPerPage)),
    },
    {
      name: "Kinesis enhanced fan-out and Lambda",
      isOrdered: true,
      canReplay: true,
      ...OWN_FUNCTION,
      lacks: "a session is a deployment",
      usd: usdOf(kinesis(load)),
      idleUsd: usdOf(kinesisFixed(load)),
    },
    {
      name: "DynamoDB, a copy a session, by event",
      isOrdered: true,
      canReplay: true,
      ...OWN_FUNCTION,
      lacks: "storage grows with sessions",
      usd: usdOf(copies(load, 1)),
      idleUsd: 0,
    },
    {
      name: "DynamoDB, a copy a session, by page",
      isOrdered: true,
      canReplay: true,
      ...OWN_FUNCTION,
      lacks: "writes grow with sessions",
      usd: usdOf(copies(load, load.eventsPerPage)),
      idleUsd: 0,
    },
  ];
}

function deliveriesPerMonth(load: Load): number {
  return eventsPerMonth(load) * load.sessions;
}

/** The function that posts one page to one session. */
function posts(load: Load): Usage {
  const count = deliveriesPerMonth(load) / load.eventsPerPage;
  const seconds = (load.webhookMillis + OVERHEAD_MILLIS) / 1000;
  return { lambdaRequest: count, lambdaGigabyteSecond: count * seconds * MEMORY_GIGABYTES };
}

function snsPerEvent(load: Load): Usage {
  const size = chunks(BATCH * load.eventBytes) / BATCH;
  return {
    snsPublish: eventsPerMonth(load) * size,
    // Receive and delete, ten at a time.
    sqsRequest: deliveriesPerMonth(load) * (size + 1 / BATCH),
    ...posts(load),
  };
}

function snsPerPage(load: Load): Usage {
  const size = chunks(load.eventsPerPage * load.eventBytes);
  const pages = eventsPerMonth(load) / load.eventsPerPage;
  return {
    snsPublish: pages * size,
    // Send, receive and delete, one at a time: ten pages do not fit into a chunk.
    sqsRequest: pages * load.sessions * (2 * size + 1),
    ...posts(load),
  };
}

function eventBridge(load: Load, eventsPerCall: number): Usage {
  const calls = eventsPerMonth(load) / eventsPerCall;
  const size = chunks(eventsPerCall * load.eventBytes);
  return { eventBridgeEvent: calls * size, apiDestinationCall: calls * load.sessions * size };
}

function kinesis(load: Load): Usage {
  const streams = Math.ceil(load.sessions / CONSUMERS_PER_STREAM);
  return {
    ...kinesisFixed(load),
    kinesisPutUnit: eventsPerMonth(load) * streams * Math.ceil(load.eventBytes / 25_000),
    kinesisFanOutGigabyte: (deliveriesPerMonth(load) * load.eventBytes) / 1e9,
    ...posts(load),
  };
}

function kinesisFixed(load: Load): Usage {
  const shards = Math.max(
    1,
    Math.ceil((load.eventsPerSecond * load.eventBytes) / SHARD_BYTES_PER_SECOND),
    Math.ceil(load.eventsPerSecond / SHARD_RECORDS_PER_SECOND),
  );
  return {
    kinesisShardHour: Math.ceil(load.sessions / CONSUMERS_PER_STREAM) * shards * MONTH_HOURS,
    kinesisConsumerShardHour: load.sessions * shards * MONTH_HOURS,
  };
}

/** Measured for a page without AMI texts: 1.7 KB for 50 events of 600 bytes. */
const PAGE_COMPRESSION = 0.057;

function copies(load: Load, eventsPerItem: number): Usage {
  const items = deliveriesPerMonth(load) / eventsPerItem;
  const itemBytes =
    eventsPerItem === 1 ? load.eventBytes : eventsPerItem * load.eventBytes * PAGE_COMPRESSION;
  const posted = deliveriesPerMonth(load) / load.eventsPerPage;
  const readBytes = eventsPerItem === 1 ? load.eventsPerPage * load.eventBytes : itemBytes;
  return {
    dynamodbWriteUnit: items * Math.ceil(itemBytes / 1024),
    dynamodbReadUnit: (posted * Math.ceil(readBytes / 4096)) / 2,
    // A wake for each post: sent ten at a time, received and deleted one at a time.
    sqsRequest: posted * (2 + 1 / BATCH),
    ...posts(load),
  };
}
