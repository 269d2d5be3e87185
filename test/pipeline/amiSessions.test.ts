import { GetQueueAttributesCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

const USER = { feed: "pbx", kind: "ami", username: "wallboard" } as const;

const post = (relay: TestRelay, body: object) => relay.call("POST", "/v1/sessions", { body });

describe("an AMI user", () => {
  it("is created with Manager's defaults, and its secret is shown once", async () => {
    await using relay = await TestRelay.start();
    const { secret, ...view } = await relay.createSession(USER);
    expect(secret).toMatch(/^[\w-]{32}$/);
    expect(view).toEqual({
      id: expect.stringMatching(/^ses_[0-9a-f]{32}$/),
      feed: "pbx",
      kind: "ami",
      username: "wallboard",
      read: "all",
      eventFilters: [],
      resume: false,
      multipleLogin: "take-over",
      sequenceHeader: false,
      state: "active",
      connectedSince: null,
      lastLogin: null,
      next: null,
      lagMessages: null,
      lagSeconds: null,
      lastError: null,
      lastDelivery: null,
      createdAt: expect.any(String),
      cursor: null,
    });
    expect(await relay.amiUser(view.id)).toEqual(view);
    expect((await relay.expectCall(200, "GET", "/v1/sessions")).json).toEqual({ sessions: [view] });
    expect((await relay.feed("pbx")).segments).toEqual([{ segment: 0, messages: 0, references: 0 }]);
  });

  it("with resume has a position and a reference, as a webhook session has", async () => {
    await using relay = await TestRelay.start();
    await relay.append("pbx", someEvents(3));
    const { id } = await relay.createSession({ ...USER, resume: true });
    await relay.append("pbx", someEvents(2));
    expect(await relay.amiUser(id)).toMatchObject({
      next: 4,
      lagMessages: 2,
      cursor: { state: "parked", segment: 0, fence: 1 },
    });
    expect((await relay.feed("pbx")).segments).toMatchObject([{ references: 1 }]);
    await relay.expectCall(204, "DELETE", `/v1/sessions/${id}`);
    expect((await relay.feed("pbx")).segments).toMatchObject([{ references: 0 }]);
    expect((await relay.call("GET", `/v1/sessions/${id}`)).status).toBe(404);
  });

  it("takes a secret that is given, if nobody will guess it", async () => {
    await using relay = await TestRelay.start();
    expect(await relay.createSession({ ...USER, secret: "from-manager.conf" })).toMatchObject({
      secret: "from-manager.conf",
    });
    for (const secret of ["amp111", "", "with a blank in it", "x".repeat(257), "tab\tand-more-than-that"]) {
      const { status, json } = await post(relay, { ...USER, username: "other", secret });
      expect([status, json.errors[0].at]).toEqual([400, "body.secret"]);
    }
  });

  it("has a name that is unique in the relay, in upper or lower case", async () => {
    await using relay = await TestRelay.start();
    const { id } = await relay.createSession(USER);
    for (const username of ["wallboard", "WALLBOARD"]) {
      const { status, json } = await post(relay, { ...USER, feed: "another", username });
      expect([status, json.code]).toEqual([409, "username.taken"]);
    }
    await relay.deleteSession(id);
    await relay.createSession({ ...USER, username: "WALLBOARD" });
  });

  it.each([false, true])("of whom many are created at once is created once (resume: %s)", async (resume) => {
    await using relay = await TestRelay.start();
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(relay, { ...USER, resume })));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array(11).fill(409)]);
    expect(answers.filter(({ json }) => json.code === "username.taken")).toHaveLength(11);
    expect((await relay.expectCall(200, "GET", "/v1/sessions")).json.sessions).toHaveLength(1);
    expect((await relay.feed("pbx")).segments).toMatchObject([{ references: resume ? 1 : 0 }]);
  });

  it("cannot have a name that manager.conf or a client cannot write", async () => {
    await using relay = await TestRelay.start();
    const bad = [
      "",
      "a b",
      "a]",
      "[a",
      "a;b",
      "a:b",
      'a"b',
      "a\\b",
      "a\r\nAction: x",
      "ä",
      "x".repeat(80),
      "General",
    ];
    for (const username of bad) {
      const { status, json } = await post(relay, { ...USER, username });
      expect([username, status, json.errors[0].at]).toEqual([username, 400, "body.username"]);
    }
    for (const username of ["x".repeat(79), "wall.board-1_@x!#$"])
      await relay.createSession({ ...USER, username });
  });

  it("is refused with wrong settings, and the answer names them", async () => {
    await using relay = await TestRelay.start();
    const wrong: readonly [string, object][] = [
      ["body.read", { read: "calls" }],
      ["body.read", { read: "call, user" }],
      ["body.eventFilters", { eventFilters: ["(unclosed"] }],
      ["body.eventFilters.0", { eventFilters: [""] }],
      ["body.resume", { resume: "yes" }],
      ["body.multipleLogin", { multipleLogin: "no" }],
      ["body.feed", { feed: "a feed" }],
    ];
    for (const [at, settings] of wrong) {
      const { status, json } = await post(relay, { ...USER, ...settings });
      expect([status, json.errors?.[0].at]).toEqual([400, at]);
    }
    expect((await post(relay, { ...USER, url: "http://127.0.0.1:9/" })).status).toBe(400);
    expect((await post(relay, { ...USER, kind: "websocket" })).json.errors[0].at).toBe("body.kind");
    expect((await post(relay, { feed: "pbx", kind: "ami" })).json.errors[0].at).toBe("body.username");
    expect((await relay.expectCall(200, "GET", "/v1/sessions")).json.sessions).toEqual([]);
  });
});

describe("a change of an AMI user", () => {
  it("of its settings, state and position is shown", async () => {
    await using relay = await TestRelay.start();
    await relay.append("pbx", someEvents(5));
    const { id } = await relay.createSession({ ...USER, resume: true });
    const change = {
      read: "call,user",
      eventFilters: ["Event: New.*", "!Event: Newexten"],
      multipleLogin: "refuse",
      sequenceHeader: true,
    } as const;
    expect(await relay.changeSession(id, change)).toMatchObject({ ...change, cursor: { fence: 2 } });
    expect(await relay.changeSession(id, { next: "head" })).toMatchObject({ next: 1, lagMessages: 5 });
    expect(await relay.changeSession(id, { state: "paused" })).toMatchObject({
      state: "paused",
      cursor: { state: "paused" },
    });
    expect(await relay.changeSession(id, { eventFilters: [] })).toMatchObject({
      state: "paused",
      eventFilters: [],
      cursor: { state: "paused" },
    });
    expect(await relay.changeSession(id, { state: "active" })).toMatchObject({
      state: "active",
      cursor: { state: "parked" },
    });
  });

  it("of resume begins a position at the tail or at a number, and gives it up again", async () => {
    await using relay = await TestRelay.start();
    await relay.append("pbx", someEvents(5));
    const { id } = await relay.createSession(USER);
    const references = async () => (await relay.feed("pbx")).segments[0]?.references;
    expect(await relay.changeSession(id, { resume: true })).toMatchObject({ next: 6 });
    expect(await references()).toBe(1);
    expect(await relay.changeSession(id, { resume: true, read: "call" })).toMatchObject({ next: 6 });
    expect(await references()).toBe(1);
    expect(await relay.changeSession(id, { resume: false })).toMatchObject({ next: null, cursor: null });
    expect(await references()).toBe(0);
    expect(await relay.changeSession(id, { state: "paused" })).toMatchObject({ state: "paused", next: null });
    expect(await relay.changeSession(id, { resume: true, next: 3 })).toMatchObject({
      next: 3,
      state: "paused",
      cursor: { state: "paused" },
    });
    expect(await references()).toBe(1);
    const none = await relay.createSession({ ...USER, username: "other" });
    const { status, json } = await relay.call("PATCH", `/v1/sessions/${none.id}`, { body: { next: 1 } });
    expect([status, json.errors[0].at]).toEqual([400, "body.next"]);
  });

  it("made by many at once loses none: every field has its last value, and the count is right", async () => {
    await using relay = await TestRelay.start();
    const { id } = await relay.createSession(USER);
    const patch = (body: object) => relay.call("PATCH", `/v1/sessions/${id}`, { body });
    const answers = await Promise.all([
      patch({ read: "call" }),
      patch({ eventFilters: ["Event: Hangup"] }),
      patch({ sequenceHeader: true }),
      patch({ resume: true }),
      patch({ multipleLogin: "refuse" }),
      patch({ state: "paused" }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(await relay.amiUser(id)).toMatchObject({
      read: "call",
      eventFilters: ["Event: Hangup"],
      sequenceHeader: true,
      resume: true,
      multipleLogin: "refuse",
      state: "paused",
    });
    expect((await relay.feed("pbx")).segments).toMatchObject([{ references: 1 }]);
  });

  it("with a field of the other kind is refused, and the answer names the field", async () => {
    await using relay = await TestRelay.start();
    const ami = await relay.createSession(USER);
    const webhook = await relay.createSession({ feed: "pbx", url: "http://127.0.0.1:9/" });
    const refused = async (id: string, body: object) => {
      const { status, json } = await relay.call("PATCH", `/v1/sessions/${id}`, { body });
      return [status, ...(json.errors ?? []).map(({ at }: { at: string }) => at)];
    };
    expect(await refused(ami.id, { url: "http://127.0.0.1:9/", maxBatch: 5 })).toEqual([
      400,
      "body.url",
      "body.maxBatch",
    ]);
    expect(await refused(webhook.id, { read: "call" })).toEqual([400, "body.read"]);
    expect(await refused(webhook.id, { secret: "a-secret-of-mine" })).toEqual([400, "body.secret"]);
  });
});

describe("usernames in the table", () => {
  it("are no sessions: lists leave them out, in pages of every size, and nobody can read or delete one", async () => {
    await using relay = await TestRelay.start();
    for (let index = 0; index < 5; index += 1) {
      await relay.createSession({ ...USER, username: `user-${index}` });
      await relay.createSession({ feed: "pbx", url: "http://127.0.0.1:9/" });
    }
    for (const size of [1, 3, 100]) {
      const listed = await Array.fromAsync(relay.listSessions(size));
      expect(new Set(listed.map(({ id }) => id)).size).toBe(10);
      expect(listed).toHaveLength(10);
    }
    const path = `/v1/sessions/${encodeURIComponent("username#user-1")}`;
    expect((await relay.call("GET", path)).status).toBe(404);
    expect((await relay.call("DELETE", path)).status).toBe(404);
    expect((await post(relay, { ...USER, username: "user-1" })).status).toBe(409);
  });

  it("keep no secret beside them", async () => {
    await using relay = await TestRelay.start();
    const { id } = await relay.createSession({ ...USER, secret: "a-secret-of-mine" });
    const { documents } = relay.relay.clients;
    const { Items = [] } = await documents.send(
      new ScanCommand({ TableName: relay.relay.tableNames.sessions }),
    );
    expect(Items.filter(({ kind }) => kind === undefined)).toEqual([{ pk: "username#wallboard", owner: id }]);
  });
});

describe("an AMI user's row", () => {
  it("is left alone by notify, and by deliver when a stray wake names it", async () => {
    await using relay = await TestRelay.start({ RELAY_SWEEP_SECONDS: "3600" });
    await using receiver = await WebhookReceiver.start();
    const { id } = await relay.createSession({ ...USER, resume: true });
    await relay.createSession({ feed: "pbx", url: receiver.url("/") });
    const before = (await relay.amiUser(id)).cursor;
    await relay.append("pbx", someEvents(40));
    await receiver.untilReceived("/", 40);

    const { queues, clients } = relay.relay;
    const wake = { QueueUrl: queues.wake.url, MessageBody: JSON.stringify({ feed: "pbx", session: id }) };
    await clients.sqs.send(new SendMessageCommand(wake));
    await eventually("the wake to be used up", async () => {
      const { Attributes = {} } = await clients.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: queues.wake.url, AttributeNames: ["All"] }),
      );
      const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = Attributes;
      return ApproximateNumberOfMessages === "0" && ApproximateNumberOfMessagesNotVisible === "0";
    });
    expect((await relay.amiUser(id)).cursor).toEqual(before);
    expect(relay.logged.filter(({ level }) => level === "error")).toEqual([]);
  });
});
