import { chunks, eventsPerMonth, type Load, MONTH_HOURS } from "./load.ts";
import { pollingRequests } from "./polling.ts";
import { type Usage, usdOf } from "./prices.ts";

/** Another way to deliver the same events to the same webhooks. */
export interface Alternative {
  readonly name: string;
  /** The features it lacks compared with the relay, or its limits. */
  readonly lacks: string;
  readonly usd: number;
  /** The cost of a month in which nothing happens. */
  readonly idleUsd: number;
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
  return ways(load).map((way) => ({ ...way, usd: Math.max(way.usd, way.idleUsd) }));
}

function ways(load: Load): Alternative[] {
  const idleQueue = usdOf({ sqsRequest: pollingRequests(1) }) * load.sessions;
  return [
    {
      name: "SNS -> SQS -> Lambda per session, an event a message",
      lacks: "unordered; no replay; a queue, a subscription and a mapping per session",
      usd: usdOf(snsPerEvent(load)),
      idleUsd: idleQueue,
    },
    {
      name: "the same, if SQS bills what SNS sends",
      lacks: "AWS's pages do not settle it",
      usd: usdOf(snsPerEvent(load)) + usdOf({ sqsRequest: deliveriesPerMonth(load) }),
      idleUsd: idleQueue,
    },
    {
      name: "SNS -> SQS -> Lambda per session, pre-batched, send billed",
      lacks: "unordered; no replay; the producer must batch",
      usd: usdOf(snsPerPage(load)),
      idleUsd: idleQueue,
    },
    {
      name: "EventBridge -> API destination, an event a call",
      lacks: "unordered; gives up after 24 h; 300 calls/s each; webhooks get single events",
      usd: usdOf(eventBridge(load, 1)),
      idleUsd: 0,
    },
    {
      name: "EventBridge -> API destination, pre-batched",
      lacks: "unordered; gives up after 24 h; no replay by number; 1,500 targets a bus",
      usd: usdOf(eventBridge(load, load.eventsPerPage)),
      idleUsd: 0,
    },
    {
      name: "Kinesis enhanced fan-out -> Lambda per session",
      lacks: "20 sessions a stream; a session is a deployment; a slow one blocks its shard",
      usd: usdOf(kinesis(load)),
      idleUsd: usdOf(kinesisFixed(load)),
    },
    {
      name: "a copy per session in DynamoDB, by event, TTL",
      lacks: "storage grows with sessions",
      usd: usdOf(copies(load, 1)),
      idleUsd: 0,
    },
    {
      name: "a copy per session in DynamoDB, by page, TTL",
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
