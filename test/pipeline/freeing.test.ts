import { GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, it } from "vitest";
import { keys } from "../../shared/aws/keys.ts";
import { eventually } from "../support/eventually.ts";
import { readFeedRows } from "../support/feedRows.ts";
import { expectInvariants } from "../support/invariants.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";
import { deliveryOf, eventText } from "../support/witnessed.ts";

/** Frees within seconds. An append may take half the grace, so the grace must suit a busy machine. */
const FAST = { RELAY_SEGMENT_SIZE: "10", RELAY_FREE_GRACE_SECONDS: "2", RELAY_SWEEP_SECONDS: "0.15" };

async function pagesOf(relay: TestRelay, feed: string, segment: number): Promise<number> {
  const { Count } = await relay.relay.clients.documents.send(
    new QueryCommand({
      TableName: relay.relay.tableNames.queue,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": keys.pagesOfSegment(feed, segment) },
    }),
  );
  return Count ?? 0;
}

async function untilHead(relay: TestRelay, feed: string, head: number): Promise<void> {
  await eventually(`head ${head}`, async () => (await relay.feed(feed)).head === head);
}

describe("freeing", () => {
  it("frees what every session has passed, deletes its pages, and keeps the tail's segment", async () => {
    await using relay = await TestRelay.start(FAST);
    await using receiver = await WebhookReceiver.start();
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    await relay.append("pbx", someEvents(35));
    await receiver.untilReceived("/", 35);
    await untilHead(relay, "pbx", 31);
    for (const segment of [0, 1, 2])
      await eventually("deleted pages", async () => (await pagesOf(relay, "pbx", segment)) === 0);
    expect(await pagesOf(relay, "pbx", 3)).toBe(1);
    expect(await relay.feed("pbx")).toEqual({
      feed: "pbx",
      head: 31,
      tail: 35,
      segmentSize: 10,
      segments: [{ segment: 3, messages: 5, references: 1 }],
    });
    const rows = await readFeedRows(relay.relay.clients.documents, relay.relay.tableNames, "pbx");
    expectInvariants(rows, {
      accepted: someEvents(35).map((event, index) => ({ event: eventText(event), sequence: 1 + index })),
      deliveries: receiver.requests("/").map((request) => deliveryOf(request.id, request.body)),
      sessions: [{ session: id, start: 1, mustReachTail: true }],
    });
    // Numbers continue after the freed ones, and are never used twice.
    expect(await relay.append("pbx", someEvents(1))).toMatchObject({ first: 36 });
  });

  it("tells the same where freed pages are left to expire, although they are still in the table", async () => {
    await using relay = await TestRelay.start({ ...FAST, RELAY_FREEING: "expire" });
    await using receiver = await WebhookReceiver.start();
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    const producer = { producer: "bridge", position: 1 };
    const beginsAt = new Date(Date.now() - 60_000).toISOString();
    await relay.append("pbx", someEvents(35), producer);
    await receiver.untilReceived("/", 35);
    await untilHead(relay, "pbx", 31);
    expect(await relay.feed("pbx")).toEqual({
      feed: "pbx",
      head: 31,
      tail: 35,
      segmentSize: 10,
      segments: [{ segment: 3, messages: 5, references: 1 }],
    });

    const read = await relay.messages("pbx", { from: 1 });
    expect(read.gap).toEqual({ first: 1, last: 30 });
    expect(read.messages.map(({ sequence }) => sequence)).toEqual([31, 32, 33, 34, 35]);
    const sinceTime = await relay.createSession({
      feed: "pbx",
      url: receiver.url("/time"),
      from: { time: beginsAt },
    });
    expect(sinceTime.next).toBe(31);
    const fromFreed = relay.createSession({ feed: "pbx", url: receiver.url("/freed"), from: 5 });
    await expect(fromFreed).rejects.toMatchObject({ code: "sequence.not-held" });
    await expect(relay.changeSession(id, { next: 30 })).rejects.toMatchObject({ code: "sequence.not-held" });
    expect(await relay.changeSession(id, { next: "head" })).toMatchObject({ next: 31 });
    // A resend of what is freed is recognised, and has lost its numbers.
    expect(await relay.append("pbx", someEvents(5), producer)).toMatchObject({
      accepted: 0,
      duplicates: 5,
      first: null,
    });

    for (const segment of [0, 1, 2]) expect(await pagesOf(relay, "pbx", segment)).toBe(1);
    const rows = await readFeedRows(relay.relay.clients.documents, relay.relay.tableNames, "pbx");
    expect(rows.head.clearedSegment).toBe(3);
    expectInvariants(rows, { accepted: [], deliveries: [], sessions: [] });
    expect(relay.logged.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("deletes at once what was appended before the setting, also after a restart", async () => {
    await using before = await TestRelay.start({ ...FAST, RELAY_SWEEP_SECONDS: "3600" });
    await before.append("pbx", someEvents(15));
    await using relay = await TestRelay.start({
      ...FAST,
      ...before.relay.connection,
      RELAY_FREEING: "expire",
    });
    await relay.append("pbx", someEvents(20));
    await untilHead(relay, "pbx", 31);
    const left = async () => Promise.all([0, 1, 2].map((segment) => pagesOf(relay, "pbx", segment)));
    // The second segment has pages of both.
    await eventually("old pages deleted, new ones left", async () => (await left()).join() === "0,0,1");
  });

  it("keeps messages that a paused session has not received, and frees them once it is deleted", async () => {
    await using relay = await TestRelay.start(FAST);
    await using receiver = await WebhookReceiver.start();
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/paused") });
    await relay.createSession({ feed: "pbx", url: receiver.url("/other") });
    await relay.changeSession(id, { state: "paused" });
    await relay.append("pbx", someEvents(25));
    await receiver.untilReceived("/other", 25);
    await eventually("the other session in the tail's segment", async () => {
      const { segments } = await relay.feed("pbx");
      return segments[0]?.references === 1 && segments[2]?.references === 1;
    });
    const messages = await relay.messages("pbx", { from: 1, limit: 25 });
    expect(messages.messages).toHaveLength(25);
    await relay.deleteSession(id);
    await untilHead(relay, "pbx", 21);
    expect(receiver.requests("/paused")).toEqual([]);
  });

  it("keeps a segment that is counted without a cursor, and reports the difference", async () => {
    await using relay = await TestRelay.start(FAST);
    await relay.append("pbx", someEvents(25));
    await relay.relay.clients.documents.send(
      new PutCommand({
        TableName: relay.relay.tableNames.queue,
        Item: { ...keys.reference("pbx", 0, 3), count: 1 },
      }),
    );
    const entry = await eventually("the auditor's alarm", () =>
      relay.logged.find(({ message }) => message.includes("reference counts")),
    );
    expect(entry).toMatchObject({
      level: "error",
      facts: { feed: "pbx", differences: [{ segment: 0, counted: 1, cursors: 0 }] },
    });
    expect((await relay.feed("pbx")).head).toBe(1);
  });

  it("lists at most 100 segments: the first, the last, and those where sessions stand", async () => {
    await using relay = await TestRelay.start({ RELAY_SEGMENT_SIZE: "1" });
    await using receiver = await WebhookReceiver.start();
    await relay.append("pbx", someEvents(1));
    for (const appended of [1, 51, 101]) {
      const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/") });
      await relay.changeSession(id, { state: "paused" });
      const { tail } = await relay.feed("pbx");
      expect(tail).toBe(appended);
      await relay.append("pbx", someEvents(50));
    }
    const { segments, segmentsLeftOut = 0, tail } = await relay.feed("pbx");
    expect(tail).toBe(151);
    expect(segments.map(({ segment }) => segment)).toEqual([0, 1, 51, 101, expect.any(Number)]);
    expect(segments.map(({ references }) => references)).toEqual([0, 1, 1, 1, 0]);
    const last = segments.at(-1)?.segment ?? 0;
    expect(segments.length + segmentsLeftOut).toBe(last + 1);
  });

  it("counts one reference for each cursor, whatever happens to the sessions", async () => {
    await using relay = await TestRelay.start(FAST);
    await using receiver = await WebhookReceiver.start();
    const ids: string[] = [];
    for (let index = 0; index < 12; index += 1)
      ids.push(
        (await relay.createSession({ feed: "pbx", url: receiver.url(`/${index}`), maxBatch: 1 + index })).id,
      );
    for (let round = 0; round < 4; round += 1) {
      await relay.append("pbx", someEvents(13));
      const [a = "", b = "", c = ""] = ids.slice(round * 3);
      await relay.deleteSession(a);
      await relay.changeSession(b, { next: "head" });
      await relay.changeSession(c, { next: "tail" });
    }
    await eventually("eight sessions at the tail", async () => {
      const sessions = await Array.fromAsync(relay.listSessions());
      return sessions.length === 8 && sessions.every(({ next }) => next === 53);
    });
    await untilHead(relay, "pbx", 51);
    expect((await relay.feed("pbx")).segments).toEqual([{ segment: 5, messages: 2, references: 8 }]);
    expect(relay.logged.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("moves a session that lags beyond the retention, reports the gap, and frees its segments", async () => {
    await using relay = await TestRelay.start({ ...FAST, RELAY_RETENTION_SECONDS: "5" });
    await using receiver = await WebhookReceiver.start();
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    await relay.changeSession(id, { state: "paused" });
    await relay.append("pbx", someEvents(25));
    await eventually("the session moved", async () => (await relay.session(id)).next === 26);
    await relay.append("pbx", someEvents(2));
    await untilHead(relay, "pbx", 21);
    await relay.changeSession(id, { state: "active" });
    await receiver.untilReceived("/", 27);
    const [gap, ...rest] = receiver.requests("/").map(({ body }) => body);
    expect(gap).toMatchObject({ first: 1, last: 25, previous: 0 });
    expect(gap?.messages).toMatchObject([
      {
        sequence: 25,
        type: "RelayGap",
        event: { type: "RelayGap", reason: "retention", first: 1, last: 25 },
      },
    ]);
    expect(rest[0]).toMatchObject({ first: 26, previous: 25 });
  });

  it("reports the freed messages to a read from below the head", async () => {
    await using relay = await TestRelay.start(FAST);
    await relay.append("pbx", someEvents(25));
    await untilHead(relay, "pbx", 21);
    expect(await relay.messages("pbx", { from: 4, limit: 2 })).toMatchObject({
      gap: { first: 4, last: 20 },
      messages: [{ sequence: 21 }, { sequence: 22 }],
      next: 23,
    });
    const refused = await relay.call("POST", "/v1/sessions", {
      body: { feed: "pbx", url: "http://127.0.0.1:9/", from: 4 },
    });
    expect([refused.status, refused.json.code]).toEqual([409, "sequence.not-held"]);
  });

  it("deletes pages that a crash left behind after the head was moved", async () => {
    await using relay = await TestRelay.start({ ...FAST, RELAY_SWEEP_SECONDS: "3600" });
    const { documents } = relay.relay.clients;
    const TableName = relay.relay.tableNames.queue;
    await relay.append("pbx", someEvents(25));
    const head = await documents.send(new GetCommand({ TableName, Key: keys.head("pbx") }));
    await documents.send(new PutCommand({ TableName, Item: { ...head.Item, headSegment: 2 } }));
    expect(await pagesOf(relay, "pbx", 0)).toBe(1);
    await using swept = await TestRelay.start({
      ...FAST,
      ...relay.relay.connection,
    });
    await eventually(
      "no pages",
      async () => (await pagesOf(swept, "pbx", 0)) + (await pagesOf(swept, "pbx", 1)) === 0,
    );
    expect(await pagesOf(swept, "pbx", 2)).toBe(1);
  });
});
