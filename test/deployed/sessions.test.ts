import { beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { someEvents } from "../support/testRelay.ts";
import { isSignedWith, WebhookReceiver } from "../support/webhookReceiver.ts";
import { DeployedRelay, newFeed, WITHIN_MILLIS } from "./support/deployedRelay.ts";

let relay: DeployedRelay;
beforeAll(async () => {
  relay = await DeployedRelay.find();
});

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("a session", () => {
  it("that is paused gets nothing until it is resumed, and misses nothing", async () => {
    await using receiver = await WebhookReceiver.start();
    const feed = newFeed();
    const { id } = await relay.createSession({ feed, url: receiver.url("/paused") });
    await relay.createSession({ feed, url: receiver.url("/other") });
    await relay.append(feed, someEvents(10));
    await receiver.untilReceived("/paused", 10, WITHIN_MILLIS);
    await relay.changeSession(id, { state: "paused" });
    await relay.append(feed, someEvents(10));
    await receiver.untilReceived("/other", 20, WITHIN_MILLIS);
    expect(receiver.sequences("/paused")).toEqual(upTo(10));
    expect(await relay.session(id)).toMatchObject({ state: "paused", next: 11, lagMessages: 10 });

    await relay.changeSession(id, { state: "active" });
    await receiver.untilReceived("/paused", 20, WITHIN_MILLIS);
    expect(receiver.sequences("/paused")).toEqual(upTo(20));
  });

  it("that is moved back gets the same messages again", async () => {
    await using receiver = await WebhookReceiver.start();
    const feed = newFeed();
    const { id } = await relay.createSession({ feed, url: receiver.url("/") });
    await relay.append(feed, someEvents(10));
    await receiver.untilReceived("/", 10, WITHIN_MILLIS);
    await eventually("no lag", async () => (await relay.session(id)).lagMessages === 0, WITHIN_MILLIS);
    await relay.changeSession(id, { next: 4 });
    await eventually("messages 4 to 10 again", () => receiver.sequences("/").length >= 17, WITHIN_MILLIS);
    expect(receiver.sequences("/")).toEqual([...upTo(10), ...upTo(10, 4)]);
  });

  it("that begins in the past gets the messages still held", async () => {
    await using receiver = await WebhookReceiver.start();
    const feed = newFeed();
    await relay.append(feed, someEvents(30));
    await relay.createSession({ feed, url: receiver.url("/head"), from: "head" });
    await relay.createSession({ feed, url: receiver.url("/number"), from: 21 });
    await receiver.untilReceived("/head", 30, WITHIN_MILLIS);
    await receiver.untilReceived("/number", 30, WITHIN_MILLIS);
    expect(receiver.sequences("/head")).toEqual(upTo(30));
    expect(receiver.sequences("/number")).toEqual(upTo(30, 21));
  });

  it("signs with both secrets after a rotation", async () => {
    await using receiver = await WebhookReceiver.start();
    const feed = newFeed();
    const { id, secret } = await relay.createSession({ feed, url: receiver.url("/") });
    const rotated = await relay.changeSession(id, { rotateSecret: true });
    expect(rotated.secret).not.toBe(secret);
    await relay.append(feed, someEvents(1));
    const [request] = await receiver.untilRequests("/", 1, WITHIN_MILLIS);
    if (request === undefined) throw new Error("there is no request");
    expect(isSignedWith(secret, request)).toBe(true);
    expect(isSignedWith(rotated.secret ?? "", request)).toBe(true);
  });

  it("that is deleted is gone and gets nothing more", async () => {
    await using receiver = await WebhookReceiver.start();
    const feed = newFeed();
    const { id } = await relay.createSession({ feed, url: receiver.url("/deleted") });
    await relay.createSession({ feed, url: receiver.url("/other") });
    await relay.append(feed, someEvents(10));
    await receiver.untilReceived("/deleted", 10, WITHIN_MILLIS);
    await relay.deleteSession(id);
    await relay.expectCall(404, "GET", `/v1/sessions/${id}`);
    await relay.append(feed, someEvents(10));
    await receiver.untilReceived("/other", 20, WITHIN_MILLIS);
    expect(receiver.sequences("/deleted")).toEqual(upTo(10));
  });
});
