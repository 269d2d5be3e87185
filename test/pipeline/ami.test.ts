import { describe, expect, it } from "vitest";
import type { Filter } from "../../client/index.ts";
import { createHandler } from "../../functions/ingest/handler.ts";
import { convertAll, Recording, withoutLinkedIds } from "../../tools/conformance/recording.ts";
import { eventually } from "../support/eventually.ts";
import { appendRequest, ingestEnvironment } from "../support/ingestOnItsOwn.ts";
import { TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

const recording = new Recording(new URL("../../local/recordings/calls-mixed", import.meta.url).pathname);
const amiText = { "content-type": "text/x-ami" };

const variable = (number: number) => ({ type: "ChannelVarset", variable: "X", value: String(number) });
const hangup = { type: "ChannelDestroyed", cause: 16, cause_txt: "Normal Clearing", channel: { id: "1.1" } };

/** All messages that the session has received, in order. */
const messagesOf = (receiver: WebhookReceiver, path: string) =>
  receiver.requests(path).flatMap(({ body }) => body.messages);

/** Resolves when `count` messages have arrived. They are counted because their numbers have holes. */
function untilMessages(receiver: WebhookReceiver, path: string, count: number): Promise<unknown> {
  return eventually(`${count} messages at ${path}`, async () => messagesOf(receiver, path).length >= count);
}

describe("a session in AMI format", () => {
  it("gets what Manager would have sent for the recorded calls, as text and as fields", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    const lines = recording.stasisLines();
    await relay.createSession({ feed: "pbx", url: receiver.url("/ami"), format: "ami" });
    await relay.createSession({ feed: "pbx", url: receiver.url("/stasis") });
    for (let from = 0; from < lines.length; from += 40)
      await relay.append("pbx", lines.slice(from, from + 40));

    const wanted = convertAll(lines);
    await untilMessages(receiver, "/ami", wanted.length);
    const messages = messagesOf(receiver, "/ami");
    expect(messages.map(({ text }) => text)).toEqual(wanted.map(({ text }) => text));
    expect(messages.map(({ type }) => type)).toEqual(wanted.map(({ name }) => name));
    const [first] = messages;
    expect(first?.fields).toMatchObject({
      Event: "BridgeCreate",
      Privilege: "call,all",
      BridgeName: "recbridge",
    });
    expect(first?.timestamp).toBe("2026-11-23T08:00:24.396+0000");
    await untilMessages(receiver, "/stasis", lines.length);
    const read = await relay.messages("pbx", { format: "ami", limit: 1000 });
    expect(read.messages.map((message) => "text" in message && message.text)).toEqual(
      wanted.map(({ text }) => text),
    );
  });

  it("gets repeated fields as lists", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    await relay.createSession({ feed: "pbx", url: receiver.url("/"), format: "ami" });
    await relay.append("pbx", [
      { type: "ChannelCreated", channel: { id: "1", channelvars: { a: "1", b: "2" } } },
    ]);
    await untilMessages(receiver, "/", 1);
    expect(messagesOf(receiver, "/")[0]?.fields).toMatchObject({
      Uniqueid: "1",
      ChanVariable: ["a=1", "b=2"],
    });
  });

  it("gets a gap message as AMI too", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    await relay.createSession({
      feed: "pbx",
      url: receiver.url("/"),
      format: "ami",
      filter: { read: "user" },
    });
    const producer = (position: number) => ({ producer: "bridge", position });
    await relay.append("pbx", [variable(1)], producer(1));
    await relay.append("pbx", [variable(5)], producer(5));
    await untilMessages(receiver, "/", 1);
    expect(messagesOf(receiver, "/")).toMatchObject([
      {
        type: "RelayGap",
        fields: { Event: "RelayGap", Reason: "lost-before-ingest", FirstPosition: "2", LastPosition: "4" },
      },
    ]);
  });
});

describe("filters", () => {
  it("by class, name and event filter hold for both formats", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    const lines = recording.stasisLines();
    const filters: Record<string, Filter> = {
      "/read": { read: "call,user" },
      "/list": { read: ["call", "user"] },
      "/events": { events: ["Hangup", "UserEvent"] },
      "/filters": { eventFilters: ["eventfilter(name(Newexten),header(Application),method(exact)) = Set"] },
      "/both": { read: "call", eventFilters: ["!Event: New"], types: ["ChannelDestroyed", "ChannelCreated"] },
    };
    for (const [path, filter] of Object.entries(filters))
      for (const format of ["ami", "stasis"] as const)
        await relay.createSession({ feed: "pbx", url: receiver.url(`${path}/${format}`), format, filter });
    await relay.append("pbx", lines);

    const counted = (pattern: RegExp) => convertAll(lines).filter(({ text }) => pattern.test(text)).length;
    const wanted = {
      "/read": counted(/^Privilege: (?:call|user),/m),
      "/list": counted(/^Privilege: (?:call|user),/m),
      "/events": counted(/^Event: (?:Hangup|UserEvent)\r$/m),
      "/filters": counted(/^Event: Newexten\r[\s\S]*\nApplication: Set\r$/m),
      "/both": counted(/^Event: Hangup\r$/m),
    };
    for (const [path, count] of Object.entries(wanted)) {
      expect(count).toBeGreaterThan(5);
      for (const format of ["ami", "stasis"]) {
        await untilMessages(receiver, `${path}/${format}`, count);
        expect(receiver.sequences(`${path}/${format}`)).toEqual(receiver.sequences(`${path}/ami`));
      }
    }
  });

  it("that are malformed are refused with the reason", async () => {
    await using relay = await TestRelay.start();
    for (const eventFilters of [["("], ["eventfilter(color(red))"]]) {
      const body = { feed: "pbx", url: "http://127.0.0.1:9/", filter: { eventFilters } };
      const { json } = await relay.expectCall(400, "POST", "/v1/sessions", { body });
      expect(json).toMatchObject({ code: "filter.invalid", errors: [{ at: "body.filter" }] });
      expect(json.errors[0].error).toContain(eventFilters[0]);
    }
    for (const filter of [{}, { read: [] }, { read: ["calls"] }])
      await relay.expectCall(400, "POST", "/v1/sessions", {
        body: { feed: "pbx", url: "http://127.0.0.1:9/", filter },
      });
    expect((await relay.call("GET", "/v1/sessions")).json.sessions).toEqual([]);
  });

  it("keep a session parked when a page does not concern it, and it still holds no segment back", async () => {
    await using relay = await TestRelay.start({
      RELAY_SEGMENT_SIZE: "20",
      RELAY_FREE_GRACE_SECONDS: "2",
      RELAY_SWEEP_SECONDS: "0.2",
      // In a group, a turn for the other session would take its row too.
      RELAY_CURSOR_GROUPS: "0",
    });
    await using receiver = await WebhookReceiver.start();
    const quiet = await relay.createSession({
      feed: "pbx",
      url: receiver.url("/hangups"),
      format: "ami",
      filter: { events: ["Hangup"] },
    });
    await relay.createSession({ feed: "pbx", url: receiver.url("/all"), format: "ami" });
    const before = await relay.session(quiet.id);
    await relay.append("pbx", [variable(1), variable(2)]);
    await untilMessages(receiver, "/all", 2);
    expect((await relay.session(quiet.id)).cursor.fence).toBe(before.cursor.fence);

    for (let page = 0; page < 6; page += 1)
      await relay.append(
        "pbx",
        Array.from({ length: 10 }, (_, n) => variable(n)),
      );
    await eventually("the passed segments are freed", async () => (await relay.feed("pbx")).head > 40);
    await relay.append("pbx", [hangup]);
    await untilMessages(receiver, "/hangups", 1);
    expect(messagesOf(receiver, "/hangups")).toMatchObject([{ type: "Hangup", sequence: 63 }]);
  });
});

describe("raw AMI", () => {
  const queue = "Event: QueueCallerJoin\r\nPrivilege: agent,all\r\nQueue: sales\r\nPosition: 1\r\n\r\n";
  const unknown = "Event: FutureEvent\r\nPrivilege: future,all\r\n\r\n";

  it("is stored unchanged, in one order with other events; blocks that are not events are counted", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    for (const format of ["ami", "stasis"] as const)
      await relay.createSession({ feed: "pbx", url: receiver.url(`/${format}`), format });
    await relay.createSession({
      feed: "pbx",
      url: receiver.url("/agents"),
      format: "ami",
      filter: { read: "agent" },
    });
    const producer = { producer: "tap", position: 1 };
    const raw = `Asterisk Call Manager/12.0.0\r\nResponse: Success\r\n\r\n${queue}${unknown}${queue.replaceAll("\r\n", "\n")}`;
    const send = () => relay.appendAmi("pbx", raw, producer);
    await relay.append("pbx", [hangup]);
    expect(await send()).toEqual({
      first: 2,
      last: 4,
      accepted: 3,
      duplicates: 0,
      refused: [],
      skipped: 2,
    });
    expect(await send()).toMatchObject({ first: 2, last: 4, accepted: 0, duplicates: 3 });
    await relay.append("pbx", [variable(1)]);

    await untilMessages(receiver, "/ami", 4);
    const messages = messagesOf(receiver, "/ami");
    expect(messages.map(({ sequence, type }) => [sequence, type])).toEqual([
      [1, "Hangup"],
      [2, "QueueCallerJoin"],
      [4, "QueueCallerJoin"],
      [5, "VarSet"],
    ]);
    expect(messages[1]?.text).toBe(queue);
    expect(messages[2]?.text).toBe(queue);
    expect(Date.parse(messages[1]?.timestamp ?? "")).toBeGreaterThan(Date.now() - 60_000);
    await untilMessages(receiver, "/agents", 2);
    await untilMessages(receiver, "/stasis", 2);
    expect(receiver.sequences("/stasis")).toEqual([1, 5]);
    const { messages: held } = await relay.messages("pbx");
    expect(held.map(({ sequence }) => sequence)).toEqual([1, 5]);
  });

  it("that is not UTF-8 is shown as text, with its charset and its bytes", async () => {
    await using relay = await TestRelay.start();
    await using receiver = await WebhookReceiver.start();
    await relay.createSession({ feed: "pbx", url: receiver.url("/"), format: "ami" });
    const raw = Buffer.from(queue.replace("sales", "M\u00fcnchen"), "latin1");
    await relay.expectCall(202, "POST", "/v1/feeds/pbx/events", { raw, headers: amiText });
    await untilMessages(receiver, "/", 1);
    const { json } = await relay.expectCall(200, "GET", "/v1/feeds/pbx/messages?format=ami");
    const [request] = receiver.requests("/");
    for (const message of [json.messages[0], JSON.parse(request?.text ?? "").messages[0]]) {
      expect(message).toMatchObject({ charset: "iso-8859-1", fields: { Queue: "M\u00fcnchen" } });
      expect(Buffer.from(message.base64, "base64")).toEqual(raw);
    }
  });

  it("leaves out the events of a response, and says how many", async () => {
    await using relay = await TestRelay.start();
    const status =
      "Response: Success\r\nEventList: start\r\n\r\nEvent: Status\r\nPrivilege: Call\r\n\r\n" +
      "Event: StatusComplete\r\nEventList: Complete\r\n\r\n";
    const { json } = await relay.expectCall(202, "POST", "/v1/feeds/pbx/events", {
      raw: `${status}${queue}`,
      headers: amiText,
    });
    expect(json).toMatchObject({ first: 1, last: 1, accepted: 1, skipped: 3 });
  });

  it("without an event, or with a malformed one, is refused with the reason", async () => {
    await using relay = await TestRelay.start();
    const send = (status: number, raw: string) =>
      relay.expectCall(status, "POST", "/v1/feeds/pbx/events", { raw, headers: amiText });
    expect((await send(400, "Response: Success\r\n\r\n")).json).toMatchObject({ code: "body.empty" });
    expect((await send(422, "Event: \r\n\r\n")).json).toMatchObject({ code: "events.refused" });
    expect((await send(202, `Event: ${"x".repeat(129)}\r\n\r\n${queue}`)).json).toMatchObject({
      accepted: 1,
      refused: [{ index: 0 }],
    });
  });
});

describe("events that Manager does not have", () => {
  it("have no AMI form until the feed wraps them", async () => {
    await using relay = await TestRelay.start({ RELAY_FREE_GRACE_SECONDS: "2" });
    await using receiver = await WebhookReceiver.start();
    const playback = { type: "PlaybackStarted", playback: { id: "p1" } };
    await relay.createSession({ feed: "pbx", url: receiver.url("/"), format: "ami" });
    await relay.append("pbx", [playback, hangup]);
    await untilMessages(receiver, "/", 1);
    const changed = await relay.changeFeed("pbx", { wrapUnmapped: true });
    expect(changed).toMatchObject({ wrapUnmapped: true, tail: 2 });
    await eventually("a writer has seen the option", async () => {
      await relay.append("pbx", [playback]);
      return messagesOf(receiver, "/").some(({ type }) => type === "UserEvent");
    });
    expect(messagesOf(receiver, "/").at(-1)?.fields).toEqual({
      Event: "UserEvent",
      Privilege: "user,all",
      UserEvent: "ARI-PlaybackStarted",
      "playback/id": "p1",
    });
  });
});

describe("the call memory", () => {
  it("is stored with the feed for the next writer", async () => {
    await using relay = await TestRelay.start();
    const lines = recording.stasisLines().map(withoutLinkedIds);
    // A new function converts each batch.
    for (let from = 0; from < lines.length; from += 25) {
      const ingest = createHandler(ingestEnvironment(relay));
      const events = lines.slice(from, from + 25).map((line) => JSON.parse(line));
      expect(await ingest(appendRequest("pbx", events))).toMatchObject({ statusCode: 202 });
    }
    const read = await relay.messages("pbx", { format: "ami", limit: 1000 });
    expect(read.messages.map((message) => "text" in message && message.text)).toEqual(
      convertAll(lines).map(({ text }) => text),
    );
  });
});
