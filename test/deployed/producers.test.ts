import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { readRecording } from "../../local/demo/recording.ts";
import { eventTexts } from "../support/webhookBodies.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";
import { DeployedRelay, IngestQueue, newFeed, WITHIN_MILLIS } from "./support/deployedRelay.ts";

const lines = (await readRecording()).map(({ line }) => line).slice(0, 120);
let relay: DeployedRelay;
beforeAll(async () => {
  relay = await DeployedRelay.find();
});

const textsAt = (receiver: WebhookReceiver, path: string) =>
  receiver.requests(path).flatMap(({ text }) => eventTexts(text));

describe("a producer", () => {
  it("may resend: duplicates keep their numbers, and an overlapping batch adds only its new events", async () => {
    await using receiver = await WebhookReceiver.start();
    const feed = newFeed();
    await relay.createSession({ feed, url: receiver.url("/") });
    const send = (from: number, to: number) =>
      relay.append(feed, lines.slice(from, to), { producer: "bridge", position: from + 1 });

    expect(await send(0, 50)).toMatchObject({ first: 1, last: 50, accepted: 50, duplicates: 0 });
    expect(await send(0, 50)).toMatchObject({ first: 1, last: 50, accepted: 0, duplicates: 50 });
    expect(await send(40, 80)).toMatchObject({ accepted: 30, duplicates: 10, last: 80 });
    expect(await send(80, 120)).toMatchObject({ first: 81, last: 120, accepted: 40 });
    await receiver.untilReceived("/", 120, WITHIN_MILLIS);
    expect(textsAt(receiver, "/")).toEqual(lines);
  });

  it("may use the FIFO queue, with one event, an array or lines in each message, in order", async () => {
    await using receiver = await WebhookReceiver.start();
    using queue = await IngestQueue.find();
    const feed = newFeed();
    await relay.createSession({ feed, url: receiver.url("/") });
    for (const line of lines.slice(0, 20)) await queue.send(feed, line, randomUUID());
    await queue.send(feed, `[${lines.slice(20, 70).join(",")}]`, randomUUID());
    await queue.send(feed, lines.slice(70, 120).join("\n"), randomUUID());
    await receiver.untilReceived("/", 120, WITHIN_MILLIS);
    expect(textsAt(receiver, "/")).toEqual(lines);
  });

  it("learns which events were refused, and the others are kept", async () => {
    const feed = newFeed();
    const answer = await relay.append(feed, [{ type: "One" }, { kind: "none" }, { type: "Two" }]);
    expect(answer).toMatchObject({ accepted: 2, refused: [{ index: 1 }] });
    expect((await relay.feed(feed)).tail).toBe(2);
  });
});
