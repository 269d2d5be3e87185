import type { SQSMessageAttribute, SQSRecord } from "aws-lambda";
import { beforeEach, describe, expect, it } from "vitest";
import { Appender } from "../../../functions/ingest/append.ts";
import { GroupCommit } from "../../../functions/ingest/groupCommit.ts";
import { Intake } from "../../../functions/ingest/intake.ts";
import { appendRecords } from "../../../functions/ingest/sqs.ts";
import { FEED } from "../queue/samples.ts";
import { appendParts, ManualClock, MemoryQueue } from "./memoryQueue.ts";

let queue: MemoryQueue;
let parts: ReturnType<typeof appendParts>;

beforeEach(() => {
  queue = new MemoryQueue();
  parts = appendParts(queue, new ManualClock());
});

function record(messageId: string, body: string, named: Record<string, string> = {}): SQSRecord {
  const messageAttributes = Object.fromEntries(
    Object.entries(named).map(([name, stringValue]): [string, SQSMessageAttribute] => [
      name,
      { stringValue, dataType: "String" },
    ]),
  );
  return {
    messageId,
    body,
    messageAttributes,
    receiptHandle: "",
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "0",
      SenderId: "",
      ApproximateFirstReceiveTimestamp: "0",
      MessageGroupId: FEED,
    },
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "",
    awsRegion: "",
  };
}

const event = (n: number) => JSON.stringify({ type: "Dial", n });
const append = (...records: SQSRecord[]) =>
  appendRecords(new Intake(new GroupCommit(new Appender(parts)), parts.metrics), FEED, records, parts.log);
const numbers = () => queue.eventsOf(FEED).map(({ event: { n, type } }) => n ?? type);

describe("messages of the FIFO queue", () => {
  it("hold one event, an array or lines, and go into one page in order", async () => {
    await append(
      record("a", event(1)),
      record("b", ` [${event(2)},${event(3)}]`),
      record("c", `${event(4)}\n${event(5)}\n`),
    );
    expect(numbers()).toEqual([1, 2, 3, 4, 5]);
    expect(queue.calls.putPage).toBe(1);
    expect(parts.hints).toHaveLength(1);
    expect(parts.log.entries).toEqual([]);
  });

  it("hold one event also when its JSON has line breaks, or a byte order mark in front", async () => {
    await append(
      record("a", JSON.stringify({ type: "Dial", n: 1, args: [] }, null, 2)),
      record("b", `\ufeff${event(2)}`),
      record("c", `\ufeff[${event(3)},\n${event(4)}]`),
      record("d", `\ufeff${event(5)}\n${event(6)}\n`),
    );
    expect(numbers()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(parts.log.entries).toEqual([]);
  });

  it("are recognised by their id when SQS redelivers them", async () => {
    await append(record("a", event(1)));
    await append(record("a", event(1)), record("b", `[${event(2)},${event(3)}]`));
    await append(record("b", `[${event(2)},${event(3)}]`), record("c", event(4)));
    expect(numbers()).toEqual([1, 2, 3, 4]);
  });

  it("may name their producer, which is then recognised across messages and HTTP", async () => {
    await append(record("a", `[${event(1)},${event(2)}]`, { "Relay-Producer": "p", "Relay-Position": "1" }));
    await append(record("b", `[${event(2)},${event(3)}]`, { "Relay-Producer": "p", "Relay-Position": "2" }));
    expect(numbers()).toEqual([1, 2, 3]);
    expect(queue.pagesOf(FEED).at(-1)?.producers).toMatchObject([{ id: "p", next: 4 }]);
  });

  it("lose only refused events, which are logged with the message's id and their index", async () => {
    await append(record("a", `[${event(1)},7,${event(2)}]`), record("b", "nonsense"), record("c", event(3)));
    expect(numbers()).toEqual([1, 2, 3]);
    expect(parts.log.entries).toEqual([
      { message: "an event is refused", facts: expect.objectContaining({ messageId: "a", index: 1 }) },
      { message: "an event is refused", facts: expect.objectContaining({ messageId: "b", index: 0 }) },
    ]);
    expect(parts.metrics.sums()).toEqual({ RefusedEvents: 2, AppendedPages: 1, AppendedEvents: 3 });
  });

  it("log only some of very many refusals, and the total", async () => {
    await append(record("a", Array(1_000).fill("7").join("\n")), record("b", event(1)));
    expect(numbers()).toEqual([1]);
    expect(parts.log.entries).toHaveLength(21);
    expect(parts.log.entries.at(-1)?.facts).toEqual({ messageId: "a", refused: 1_000 });
  });

  it.each(["[%]", "%"])("are refused as a whole when they hold too many events (%s)", async (form) => {
    const events = Array(10_001).fill("{}");
    const body = form === "%" ? events.join("\n") : `[${events.join(",")}]`;
    await append(record("a", body));
    expect(parts.log.entries).toMatchObject([
      { facts: { messageId: "a", reason: "the message holds 10001 events; at most 10000 are accepted" } },
    ]);
  });

  it("are refused as a whole when the array is not JSON", async () => {
    await append(record("a", `[${event(1)},`));
    expect(queue.pagesOf(FEED)).toEqual([]);
    expect(parts.log.entries).toMatchObject([
      { facts: { messageId: "a", reason: expect.stringContaining("not JSON") } },
    ]);
  });

  it.each(["", "[]", "\n"])("are never dropped silently when they are empty (%j)", async (body) => {
    await append(record("a", body));
    expect(parts.log.entries).toMatchObject([{ facts: { messageId: "a" } }]);
  });

  it("are refused when their producer is invalid", async () => {
    await append(record("a", event(1), { "Relay-Producer": "p" }), record("b", event(2)));
    expect(numbers()).toEqual([2]);
    expect(parts.log.entries).toMatchObject([
      { facts: { messageId: "a", errors: [{ at: "header.relay-position", error: "is missing" }] } },
    ]);
    expect(parts.metrics.sums()).toMatchObject({ RefusedEvents: 1, AppendedEvents: 1 });
  });

  it("that contradict their producer are refused, logged, and not redelivered", async () => {
    const named = (position: number) => ({ "Relay-Producer": "p", "Relay-Position": String(position) });
    await append(record("a", event(1), named(5)));
    await append(record("b", event(2), named(4)), record("c", event(3)));
    expect(numbers()).toEqual([1, 3]);
    expect(parts.log.entries).toMatchObject([{ facts: { producer: "p", position: 4, expected: 6 } }]);
    expect(parts.metrics.sums()).toMatchObject({ RefusedEvents: 1, AppendedEvents: 2 });
  });

  it("of a group that is not a feed name are refused, logged, and not redelivered", async () => {
    const intake = new Intake(new GroupCommit(new Appender(parts)), parts.metrics);
    await appendRecords(intake, "no feed!", [record("a", event(1))], parts.log);
    expect(queue.heads.size).toBe(0);
    expect(parts.log.entries).toMatchObject([{ facts: { feed: "no feed!", messages: 1 } }]);
  });

  it("create no feed when all of them are refused", async () => {
    await append(record("a", "nonsense"));
    expect(queue.heads.size).toBe(0);
  });

  it("fail as a group when the page cannot be written, so that SQS redelivers them", async () => {
    queue.beforePut = () => {
      throw new Error("throttled");
    };
    await expect(append(record("a", event(1)))).rejects.toThrow("throttled");
  });
});
