import type { SQSEvent, SQSRecord } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { createHandler } from "../../functions/ingest/handler.ts";
import { createClients, destroyClients } from "../../shared/aws/clients.ts";
import { queueLimits } from "../../shared/aws/limits.ts";
import { type Clock, systemClock } from "../../shared/runtime/clock.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { readFeedRows } from "../support/feedRows.ts";
import { appendRequest, ingestEnvironment } from "../support/ingestOnItsOwn.ts";
import { ManualClock } from "../support/manualClock.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";

const GATHER = { RELAY_GATHER_SECONDS: "5" };

async function pageSizes({ relay }: TestRelay, feed: string): Promise<number[]> {
  const { pages } = await readFeedRows(relay.clients.documents, relay.tableNames, feed);
  return pages.map(({ events }) => events.length);
}

/** Ingest as on AWS: one process has one event at a time. */
function ingestOnAws(relay: TestRelay) {
  const clients = createClients(ingestEnvironment(relay));
  const clock = new ManualClock();
  const handle = createHandler(
    { ...ingestEnvironment(relay), ...GATHER },
    { clients, clock, log: silentLog, metrics: silentMetrics },
  );
  return { handle, clock, [Symbol.dispose]: () => destroyClients(clients) };
}

function recordsOf(feed: string, count: number, from = 1): SQSEvent {
  const record = (number: number): SQSRecord => ({
    messageId: `message-${number}`,
    body: JSON.stringify(someEvents(1, ["ChannelCreated"], number)),
    messageAttributes: {},
    receiptHandle: "",
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "0",
      SenderId: "",
      ApproximateFirstReceiveTimestamp: "0",
      MessageGroupId: feed,
    },
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "",
    awsRegion: "",
  });
  return { Records: Array.from({ length: count }, (_, index) => record(from + index)) };
}

describe("an append that waits for others", () => {
  it("shares a page with them on one machine", async () => {
    await using relay = await TestRelay.start({ RELAY_GATHER_SECONDS: "0.5" });
    const answers = await Promise.all(
      [1, 2, 3].map((from) => relay.append("pbx", someEvents(1, ["Dial"], from))),
    );
    expect(answers.map(({ accepted }) => accepted)).toEqual([1, 1, 1]);
    expect(await pageSizes(relay, "pbx")).toEqual([3]);
  });

  it("is answered when the relay stops", async () => {
    const waiting = Promise.withResolvers<void>();
    const sleep: Clock["sleep"] = (millis, ...signals) => {
      // Nothing else sleeps for so long.
      if (millis > 4_000) waiting.resolve();
      return systemClock.sleep(millis, ...signals);
    };
    const relay = await TestRelay.start(GATHER, undefined, { clock: { ...systemClock, sleep } });
    const answer = relay.append("pbx", someEvents(1));
    await waiting.promise;
    await relay[Symbol.asyncDispose]();
    expect(await answer).toMatchObject({ accepted: 1 });
  });

  it("over HTTP does not wait on AWS, where nothing can join it", async () => {
    await using relay = await TestRelay.start();
    using ingest = ingestOnAws(relay);
    expect(await ingest.handle(appendRequest("pbx", someEvents(1)))).toMatchObject({ statusCode: 202 });
  });

  it("from the FIFO queue waits for its time", async () => {
    await using relay = await TestRelay.start();
    using ingest = ingestOnAws(relay);
    const handled = [ingest.handle(recordsOf("pbx", 1)), ingest.handle(recordsOf("pbx", 1, 2))];
    ingest.clock.pass(5_000);
    expect(await Promise.all(handled)).toEqual([{ batchItemFailures: [] }, { batchItemFailures: [] }]);
    expect(await pageSizes(relay, "pbx")).toEqual([2]);
  });

  it("from the FIFO queue does not wait with a full batch", async () => {
    await using relay = await TestRelay.start();
    using ingest = ingestOnAws(relay);
    const { batchSize } = queueLimits.ingest;
    expect(await ingest.handle(recordsOf("pbx", batchSize))).toEqual({ batchItemFailures: [] });
    expect(await pageSizes(relay, "pbx")).toEqual([batchSize]);
  });
});
