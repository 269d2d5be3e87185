import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import type { Message } from "../../client/index.ts";
import { readRecording } from "../../local/demo/recording.ts";
import { convertAll } from "../../tools/conformance/recording.ts";
import { eventually } from "../support/eventually.ts";
import { eventTexts, expectUnbroken } from "../support/webhookBodies.ts";
import { isSignedWith, WebhookReceiver } from "../support/webhookReceiver.ts";
import { DeployedRelay, newFeed, WITHIN_MILLIS } from "./support/deployedRelay.ts";

const BATCH = 50;
const lines = (await readRecording()).map(({ line }) => line);
let relay: DeployedRelay;
beforeAll(async () => {
  relay = await DeployedRelay.find();
});

const eventOf = (message: Message) => "event" in message && message.event;

async function appendRecording(feed: string): Promise<void> {
  for (let from = 0; from < lines.length; from += BATCH)
    await relay.append(feed, lines.slice(from, from + BATCH), { producer: "recording", position: from + 1 });
}

describe("the deployed relay", () => {
  it("delivers every recorded event to every session once, in order, byte for byte, and signed", async () => {
    await using receiver = await WebhookReceiver.start();
    const feed = newFeed();
    const wanted = { "/large": 1000, "/small": 7 };
    const sessions = await Promise.all(
      Object.entries(wanted).map(async ([path, maxBatch]) => ({
        path,
        ...(await relay.createSession({ feed, url: receiver.url(path), maxBatch })),
      })),
    );
    await appendRecording(feed);

    for (const { path, id, secret } of sessions) {
      await receiver.untilReceived(path, lines.length, WITHIN_MILLIS);
      expect(receiver.sequences(path)).toEqual(lines.map((_, index) => index + 1));
      expect(receiver.requests(path).flatMap(({ text }) => eventTexts(text))).toEqual(lines);
      for (const request of receiver.requests(path)) {
        expect(isSignedWith(secret, request)).toBe(true);
        expect(request.body).toMatchObject({ feed, session: id });
      }
      expectUnbroken(
        receiver.requests(path).map(({ body }) => body),
        0,
      );
    }
  });

  it("accepts compressed requests", async () => {
    const feed = newFeed();
    await relay.expectCall(202, "POST", `/v1/feeds/${feed}/events`, {
      raw: gzipSync(lines.join("\n")),
      headers: { "content-type": "application/x-ndjson", "content-encoding": "gzip" },
    });
    const { messages } = await relay.messages(feed, { from: 1, limit: 1000 });
    expect(messages.map(eventOf)).toEqual(lines.map((line) => JSON.parse(line)));
  });

  it("keeps characters beyond ASCII unchanged, in JSON and in lines", async () => {
    const feed = newFeed();
    const event = { type: "ChannelUserevent", eventname: "Grüße 你好 \u{1F4DE}", "ключ/%25": "a\u2028b" };
    await relay.append(feed, [event]);
    await relay.append(feed, [JSON.stringify(event)], { producer: "lines", position: 1 });
    const { messages } = await relay.messages(feed, { from: 1 });
    expect(messages.map(eventOf)).toEqual([event, event]);
  });

  it("sends an AMI session what Manager would have sent, and a filtered session only its events", async () => {
    await using receiver = await WebhookReceiver.start();
    const feed = newFeed();
    const filter = { events: ["Hangup"] };
    await relay.createSession({ feed, url: receiver.url("/ami"), format: "ami" });
    await relay.createSession({ feed, url: receiver.url("/hangups"), format: "ami", filter });
    await relay.createSession({
      feed,
      url: receiver.url("/stasis"),
      filter: { types: ["ChannelDestroyed"] },
    });
    await appendRecording(feed);

    const messagesAt = (path: string) => receiver.requests(path).flatMap(({ body }) => body.messages);
    const until = (path: string, count: number) =>
      eventually(`${count} messages at ${path}`, () => messagesAt(path).length >= count, WITHIN_MILLIS);
    const manager = convertAll(lines);
    await until("/ami", manager.length);
    expect(messagesAt("/ami").map(({ text }) => text)).toEqual(manager.map(({ text }) => text));

    const hangups = manager.filter(({ name }) => name === "Hangup");
    expect(hangups.length).toBeGreaterThan(0);
    await until("/hangups", hangups.length);
    expect(messagesAt("/hangups").map(({ text }) => text)).toEqual(hangups.map(({ text }) => text));

    const destroyed = lines.filter((line) => JSON.parse(line).type === "ChannelDestroyed");
    await until("/stasis", destroyed.length);
    expect(messagesAt("/stasis").map(({ event }) => event)).toEqual(
      destroyed.map((line) => JSON.parse(line)),
    );
  });

  it("retries a failed request with the same id and body", async () => {
    await using receiver = await WebhookReceiver.start();
    receiver.answer = (_, count) => ({ status: count === 0 ? 500 : 204 });
    const feed = newFeed();
    await relay.createSession({ feed, url: receiver.url("/") });
    await relay.append(feed, lines.slice(0, 3), { producer: "recording", position: 1 });
    const [first, second] = await receiver.untilRequests("/", 2, WITHIN_MILLIS);
    expect(second?.id).toBe(first?.id);
    expect(second?.body.messages).toEqual(first?.body.messages);
  });
});
