import { randomUUID } from "node:crypto";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import type { SQSEvent } from "aws-lambda";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Engine } from "../../local/engines/engine.ts";
import { startSqs } from "../../local/engines/sqs.ts";
import { type EventSourceMapping, startEventSourceMapping } from "../../local/eventSourceMapping.ts";
import type { LambdaHandler } from "../../local/invoke.ts";
import type { Queue } from "../../local/provision.ts";
import { type AwsClients, destroyClients } from "../../shared/aws/clients.ts";
import { type Log, silentLog } from "../../shared/runtime/log.ts";
import { localClients } from "./support/clients.ts";
import { until } from "./support/until.ts";

// Processes and visibility timeouts are slow on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

let engine: Engine;
let clients: AwsClients;
const mappings: EventSourceMapping[] = [];

beforeAll(async () => {
  engine = await startSqs();
  clients = localClients({ sqs: engine });
});

afterEach(async () => {
  await Promise.all(mappings.splice(0).map((mapping) => mapping.stop()));
});

afterAll(async () => {
  destroyClients(clients);
  await engine.close();
});

async function makeQueue(options: { fifo?: boolean; visibilitySeconds?: number } = {}): Promise<Queue> {
  const created = await clients.sqs.send(
    new CreateQueueCommand({
      QueueName: `q-${randomUUID()}${options.fifo ? ".fifo" : ""}`,
      Attributes: {
        VisibilityTimeout: String(options.visibilitySeconds ?? 30),
        ...(options.fifo ? { FifoQueue: "true" } : {}),
      },
    }),
  );
  const url = created.QueueUrl ?? "";
  const { Attributes } = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }),
  );
  return { url, arn: Attributes?.QueueArn ?? "" };
}

async function send(queue: Queue, bodies: readonly string[]): Promise<void> {
  const Entries = bodies.map((body, index) => ({ Id: String(index), MessageBody: body }));
  await clients.sqs.send(new SendMessageBatchCommand({ QueueUrl: queue.url, Entries }));
}

/** The number of messages in the queue, visible or in flight. */
async function left(queue: Queue): Promise<{ visible: number; inWork: number }> {
  const { Attributes } = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: ["All"] }),
  );
  return {
    visible: Number(Attributes?.ApproximateNumberOfMessages),
    inWork: Number(Attributes?.ApproximateNumberOfMessagesNotVisible),
  };
}

function map(
  queue: Queue,
  handler: LambdaHandler<SQSEvent>,
  options: {
    batchSize?: number;
    concurrency?: number;
    timeoutMillis?: number;
    isShortLived?: boolean;
    gatherMillis?: number;
    log?: Log;
  } = {},
): EventSourceMapping {
  const mapping = startEventSourceMapping({
    sqs: clients.sqs,
    queue,
    target: { name: "test", region: "us-east-1", timeoutMillis: options.timeoutMillis ?? 10_000, handler },
    batchSize: options.batchSize ?? 10,
    maximumConcurrency: options.concurrency ?? 2,
    isShortLived: options.isShortLived ?? false,
    ...(options.gatherMillis !== undefined && { gatherMillis: options.gatherMillis }),
    log: options.log ?? silentLog,
  });
  mappings.push(mapping);
  return mapping;
}

const isEmpty = (queue: Queue) => async () => {
  const { visible, inWork } = await left(queue);
  return visible + inWork === 0;
};

describe("an event source mapping", () => {
  it("passes on the first message at once, and together what gathers behind it", async () => {
    const queue = await makeQueue();
    const invocations: string[][] = [];
    map(queue, async ({ Records }) => void invocations.push(Records.map(({ body }) => body)), {
      gatherMillis: 1_000,
    });
    await send(queue, ["first"]);
    await until(() => invocations.length === 1, "the first invocation");
    await send(queue, ["second"]);
    await send(queue, ["third"]);
    await until(() => invocations.length > 1, "the second invocation");
    expect(invocations.map((bodies) => bodies.toSorted())).toEqual([["first"], ["second", "third"]]);
  });

  it("passes messages in AWS's format, and deletes the ones that succeeded", async () => {
    const queue = await makeQueue();
    const events: SQSEvent[] = [];
    map(queue, async (event) => void events.push(event));
    await clients.sqs.send(
      new SendMessageCommand({
        QueueUrl: queue.url,
        MessageBody: "hello",
        MessageAttributes: {
          trace: { DataType: "String", StringValue: "abc" },
          bytes: { DataType: "Binary", BinaryValue: Buffer.from([1, 2]) },
        },
      }),
    );
    await until(() => events.length === 1, "the handler is invoked");
    expect(events[0]?.Records).toEqual([
      {
        messageId: expect.any(String),
        receiptHandle: expect.any(String),
        body: "hello",
        attributes: {
          ApproximateReceiveCount: "1",
          SentTimestamp: expect.stringMatching(/^\d{13}$/),
          SenderId: expect.any(String),
          ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
        },
        messageAttributes: {
          trace: { dataType: "String", stringValue: "abc", stringListValues: [], binaryListValues: [] },
          bytes: { dataType: "Binary", binaryValue: "AQI=", stringListValues: [], binaryListValues: [] },
        },
        md5OfBody: "5d41402abc4b2a76b9719d911017c592",
        md5OfMessageAttributes: expect.any(String),
        eventSource: "aws:sqs",
        eventSourceARN: queue.arn,
        awsRegion: "us-east-1",
      },
    ]);
    await until(isEmpty(queue), "the message is deleted");
  });

  it("keeps only the reported failures, and redelivers them", async () => {
    const queue = await makeQueue({ visibilitySeconds: 1 });
    const seen: string[] = [];
    await send(queue, ["good", "bad", "fine"]);
    map(queue, async (event) => {
      const failures = event.Records.filter((record) => record.body === "bad" && !seen.includes("bad"));
      seen.push(...event.Records.map((record) => record.body));
      return { batchItemFailures: failures.map((record) => ({ itemIdentifier: record.messageId })) };
    });
    await until(() => seen.length === 4, "the failed message is redelivered");
    expect(seen.toSorted()).toEqual(["bad", "bad", "fine", "good"]);
    await until(isEmpty(queue), "the queue is empty");
  });

  it.each([
    ["throws", () => Promise.reject(new Error("broken"))],
    ["names an unknown message", async () => ({ batchItemFailures: [{ itemIdentifier: "no such id" }] })],
    ["names no message", async () => ({ batchItemFailures: [{ itemIdentifier: "" }] })],
    ["returns a malformed result", async () => ({ batchItemFailures: [{ wrongName: "x" }] })],
    ["does not finish in time", () => new Promise(() => {})],
  ])("keeps the whole batch when the handler %s", async (_, handler) => {
    const queue = await makeQueue();
    const ended = Promise.withResolvers<void>();
    await send(queue, ["a", "b"]);
    const log: Log = { ...silentLog, error: () => ended.resolve() };
    let invoked = false;
    const mapping = map(
      queue,
      (event, context) => {
        invoked = true;
        return (handler as LambdaHandler<SQSEvent>)(event, context);
      },
      { timeoutMillis: 50, log },
    );
    await until(() => invoked, "the handler is invoked");
    await mapping.stop();
    expect(await left(queue)).toEqual({ visible: 0, inWork: 2 });
  });

  it("never exceeds its concurrency", async () => {
    const queue = await makeQueue();
    await send(queue, ["1", "2", "3", "4", "5", "6", "7"]);
    let running = 0;
    let most = 0;
    const gate = Promise.withResolvers<void>();
    map(
      queue,
      async () => {
        most = Math.max(most, ++running);
        await gate.promise;
        running--;
      },
      { batchSize: 1, concurrency: 3 },
    );
    await until(() => running === 3, "three invocations run");
    // A fourth poller would take this message. With all slots full, it stays visible.
    expect(await left(queue)).toEqual({ visible: 4, inWork: 3 });
    gate.resolve();
    await until(isEmpty(queue), "all are done");
    expect(most).toBe(3);
  });

  it("on stop waits for running invocations, and takes no more messages", async () => {
    const queue = await makeQueue();
    const gate = Promise.withResolvers<void>();
    let invocations = 0;
    const mapping = map(queue, async () => {
      invocations++;
      await gate.promise;
    });
    await send(queue, ["running"]);
    await until(() => invocations === 1, "the handler is invoked");
    let stopped = false;
    const stopping = mapping.stop().then(() => {
      stopped = true;
    });
    // The poll in flight receives this message, which must be visible again afterwards.
    await send(queue, ["late"]);
    await until(async () => (await left(queue)).visible === 1, "the late message is handed back");
    expect(stopped).toBe(false);
    gate.resolve();
    await stopping;
    expect(invocations).toBe(1);
    expect(await left(queue)).toEqual({ visible: 1, inWork: 0 });
  });

  it("on stop waits for no poll of a queue that ends with the process, only for running invocations", async () => {
    const queue = await makeQueue();
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const warnings: string[] = [];
    const mapping = map(
      queue,
      async () => {
        begun.resolve();
        await gate.promise;
      },
      { isShortLived: true, log: { ...silentLog, warn: (message) => void warnings.push(message) } },
    );
    await send(queue, ["running"]);
    await begun.promise;
    const stopped = mapping.stop();
    const stoppedAt = performance.now();
    gate.resolve();
    await stopped;
    // A poll takes a second.
    expect(performance.now() - stoppedAt).toBeLessThan(700);
    expect(await left(queue)).toEqual({ visible: 0, inWork: 0 });
    expect(warnings).toEqual([]);
  });

  it("keeps the order within a FIFO group without holding up other groups", async () => {
    const queue = await makeQueue({ fifo: true, visibilitySeconds: 1 });
    const done: Record<string, string[]> = { a: [], b: [] };
    for (const body of ["a1", "a2", "b1", "a3", "b2"])
      await clients.sqs.send(
        new SendMessageCommand({
          QueueUrl: queue.url,
          MessageBody: body,
          MessageGroupId: body[0],
          MessageDeduplicationId: body,
        }),
      );
    let failedOnce = false;
    const attributes: object[] = [];
    map(
      queue,
      async (event) => {
        attributes.push(...event.Records.map((record) => record.attributes));
        for (const { body } of event.Records) {
          if (body === "a2" && !failedOnce) {
            failedOnce = true;
            throw new Error("the first try of a2");
          }
          done[body[0] ?? ""]?.push(body);
        }
      },
      { batchSize: 1, concurrency: 5 },
    );
    await until(isEmpty(queue), "all are done");
    expect(done).toEqual({ a: ["a1", "a2", "a3"], b: ["b1", "b2"] });
    expect(attributes[0]).toMatchObject({
      MessageGroupId: "a",
      MessageDeduplicationId: "a1",
      SequenceNumber: expect.any(String),
    });
  });

  it("logs once that it cannot poll, and continues when it can again", async () => {
    const queue = await makeQueue();
    await send(queue, ["patience"]);
    const logged: string[] = [];
    const log: Log = { ...silentLog, info: (text) => logged.push(text), warn: (text) => logged.push(text) };
    let polls = 0;
    const realSend = clients.sqs.send.bind(clients.sqs);
    const flaky = Object.create(clients.sqs, {
      send: {
        value: (command: SendMessageCommand) => {
          polls++;
          return polls <= 3 ? Promise.reject(new Error("no connection")) : realSend(command);
        },
      },
    });
    let handled = false;
    const mapping = startEventSourceMapping({
      sqs: flaky,
      queue,
      target: {
        name: "t",
        region: "us-east-1",
        timeoutMillis: 1_000,
        handler: async () => {
          handled = true;
        },
      },
      batchSize: 1,
      maximumConcurrency: 1,
      log,
      clock: { nowEpochMillis: () => 0, sleep: async () => {} },
    });
    mappings.push(mapping);
    await until(() => handled, "the message arrives in the end");
    expect(logged).toEqual(["polling failed; retrying", "polling works again"]);
  });

  it("delivers without delay when it has a free slot", async () => {
    const queue = await makeQueue();
    const arrived: number[] = [];
    map(queue, async () => void arrived.push(performance.now()));
    const latencies: number[] = [];
    for (let count = 1; count <= 30; count++) {
      const sentAt = performance.now();
      await send(queue, [String(count)]);
      await until(() => arrived.length === count, "the message arrives");
      latencies.push((arrived.at(-1) ?? 0) - sentAt);
    }
    const median = latencies.toSorted((a, b) => a - b)[15] ?? Number.POSITIVE_INFINITY;
    // Far above the usual time, and far below the time with sleeps between polls.
    expect(median).toBeLessThan(250);
  });
});
