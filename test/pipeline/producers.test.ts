import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import type { Message } from "../../client/index.ts";
import { eventually } from "../support/eventually.ts";
import { readFeedRows } from "../support/feedRows.ts";
import { expectInvariants } from "../support/invariants.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";
import { eventText } from "../support/witnessed.ts";

const producer = (id: string, position: number) => ({ producer: id, position });

async function allMessages(relay: TestRelay, feed: string): Promise<Message[]> {
  const messages: Message[] = [];
  for (let from = 1; ; ) {
    const page = await relay.messages(feed, { from, limit: 1000 });
    messages.push(...page.messages);
    if (page.next === from) return messages;
    from = page.next;
  }
}

describe("producers", () => {
  it("on one feed through two relays get one order without holes or duplicates, each in its own order", async () => {
    await using first = await TestRelay.start({ RELAY_SEGMENT_SIZE: "64" });
    // A second relay on the same tables acts like another Lambda environment.
    await using second = await TestRelay.start(first.relay.connection);
    const relays = [first, second];
    const accepted: { event: string }[] = [];
    const batches = 12;
    const size = 15;
    await Promise.all(
      Array.from({ length: 6 }, async (_, number) => {
        const relay = relays[number % 2] ?? first;
        for (let batch = 0; batch < batches; batch += 1) {
          const position = 1 + batch * size;
          const events = someEvents(size, [`Producer${number}`], position);
          const answer = await relay.append("pbx", events, producer(`p${number}`, position));
          expect(answer).toMatchObject({ accepted: size, duplicates: 0 });
          for (const event of events) accepted.push({ event: eventText(event) });
          // Every second batch is resent to the other relay.
          if (batch % 2 === 0) {
            const again = await (relays[(number + 1) % 2] ?? first).append(
              "pbx",
              events,
              producer(`p${number}`, position),
            );
            expect(again).toEqual({ ...answer, accepted: 0, duplicates: size });
          }
        }
      }),
    );
    const rows = await readFeedRows(first.relay.clients.documents, first.relay.tableNames, "pbx");
    expectInvariants(rows, { accepted, deliveries: [], sessions: [] });
    const messages = await allMessages(first, "pbx");
    expect(messages.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 6 * batches * size }, (_, index) => index + 1),
    );
    for (let number = 0; number < 6; number += 1) {
      const own = messages.filter(({ type }) => type === `Producer${number}`);
      expect(own.map((message) => "event" in message && message.event.number)).toEqual(
        Array.from({ length: batches * size }, (_, index) => index + 1),
      );
    }
  });

  it("a batch that overlaps earlier ones adds only its new events", async () => {
    await using relay = await TestRelay.start();
    await relay.append("pbx", someEvents(10), producer("bridge", 1));
    const answer = await relay.append("pbx", someEvents(10, undefined, 6), producer("bridge", 6));
    expect(answer).toEqual({ first: 6, last: 15, accepted: 5, duplicates: 5, refused: [] });
    expect(await allMessages(relay, "pbx")).toHaveLength(15);
  });

  it("a jump in the positions becomes a gap message with the lost positions", async () => {
    await using relay = await TestRelay.start();
    await relay.append("pbx", someEvents(3), producer("bridge", 1));
    const answer = await relay.append("pbx", someEvents(2), producer("bridge", 8));
    expect(answer).toMatchObject({ first: 5, last: 6, accepted: 2 });
    const { messages } = await relay.messages("pbx", { from: 4, limit: 1 });
    expect(messages[0]).toMatchObject({
      sequence: 4,
      type: "RelayGap",
      event: { reason: "lost-before-ingest", producer: "bridge", firstPosition: 4, lastPosition: 7 },
    });
  });

  it("positions of a gap are a conflict, not duplicates", async () => {
    await using relay = await TestRelay.start();
    await relay.append("pbx", someEvents(2), producer("bridge", 1));
    await relay.append("pbx", someEvents(1), producer("bridge", 5_000_000));
    const refused = await relay.call("POST", "/v1/feeds/pbx/events", {
      body: someEvents(2),
      headers: { "relay-producer": "bridge", "relay-position": "3" },
    });
    expect([refused.status, refused.json.code]).toEqual([409, "producer.position-conflict"]);
    expect(refused.json.detail).toContain("position 3 ");
    expect((await relay.feed("pbx")).tail).toBe(4);
  });

  it("positions below all earlier ones are a conflict", async () => {
    await using relay = await TestRelay.start();
    await relay.append("pbx", someEvents(3), producer("bridge", 100));
    const refused = await relay.call("POST", "/v1/feeds/pbx/events", {
      body: someEvents(3),
      headers: { "relay-producer": "bridge", "relay-position": "50" },
    });
    expect([refused.status, refused.json.code]).toEqual([409, "producer.position-conflict"]);
    expect((await relay.feed("pbx")).tail).toBe(3);
  });

  it("refused events keep their positions and are named; all others are appended", async () => {
    await using relay = await TestRelay.start();
    const batch = [{ type: "A" }, { kind: "no type" }, "no object", { type: "B" }, { type: 7 }];
    const answer = await relay.append("pbx", batch, producer("bridge", 1));
    expect(answer).toMatchObject({ first: 1, last: 2, accepted: 2, duplicates: 0 });
    expect(answer.refused.map(({ index }) => index)).toEqual([1, 2, 4]);
    expect(await relay.append("pbx", batch, producer("bridge", 1))).toEqual({
      ...answer,
      accepted: 0,
      duplicates: 2,
    });
    expect(await relay.append("pbx", [{ type: "C" }], producer("bridge", 6))).toMatchObject({
      first: 3,
      accepted: 1,
    });
  });

  it("reach a feed through the FIFO queue in order and once, also when a message is redelivered", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    const { sqs } = relay.relay.clients;
    const send = (body: unknown, id: string, attributes: Record<string, string> = {}) =>
      sqs.send(
        new SendMessageCommand({
          QueueUrl: relay.relay.queues.ingest.url,
          MessageBody: typeof body === "string" ? body : JSON.stringify(body),
          MessageGroupId: "pbx",
          MessageDeduplicationId: id,
          MessageAttributes: Object.fromEntries(
            Object.entries(attributes).map(([name, StringValue]) => [
              name,
              { DataType: "String", StringValue },
            ]),
          ),
        }),
      );
    for (let number = 1; number <= 30; number += 1) await send({ type: "One", number }, `one-${number}`);
    await send(someEvents(5, ["Array"]), "array");
    await send("not an event", "bad");
    const attributes = { "Relay-Producer": "bridge", "Relay-Position": "1" };
    await send(someEvents(4, ["Named"]), "named", attributes);
    await send(someEvents(4, ["Named"]), "named again", attributes);
    await send({ type: "Last" }, "last");
    await receiver.untilReceived("/", 40);
    const types = receiver.requests("/").flatMap(({ body }) => body.messages.map(({ type }) => type));
    expect(types).toEqual([
      ...Array.from({ length: 30 }, () => "One"),
      ...Array.from({ length: 5 }, () => "Array"),
      ...Array.from({ length: 4 }, () => "Named"),
      "Last",
    ]);
    await eventually("a log line about the refused message", () =>
      relay.logged.some(({ message }) => message.includes("refused")),
    );
  });
});
