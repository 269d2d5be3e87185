import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

let relay: TestRelay;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await WebhookReceiver.start();
  relay = await TestRelay.start({ RELAY_ATTEMPT_SECONDS: "0" });
});

afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

describe("an explanation", () => {
  it("follows a message from its append over a failure to its delivery", async () => {
    let isDown = true;
    receiver.answer = () => ({ status: isDown ? 500 : 204 });
    const filter = { types: ["A"] };
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/"), filter });
    expect(await relay.explain(id, 1)).toEqual({
      session: id,
      feed: "pbx",
      sequence: 1,
      outcome: "not-appended",
      explanation: expect.any(String),
    });
    await relay.append("pbx", someEvents(2, ["A", "B"]));
    const waiting = await eventually("the backoff", async () => {
      const now = await relay.explain(id, 1);
      return now.because === "backoff" && now.attempt && now;
    });
    expect(waiting).toMatchObject({
      outcome: "waiting",
      explanation: expect.stringContaining("http.status"),
      attempt: { outcome: "failed", status: 500, first: 1, last: 1 },
      message: { type: "A", appendedAt: expect.any(String) },
    });
    expect(await relay.explain(id, 2)).toMatchObject({ outcome: "filtered", filter: { part: "types" } });
    isDown = false;
    await relay.changeSession(id, { state: "active" });
    const delivered = await eventually("the delivery", async () => {
      const now = await relay.explain(id, 1);
      return now.outcome === "delivered" && now;
    });
    expect(delivered.attempt).toMatchObject({ outcome: "accepted", status: 204 });
  });

  it("names the event filter of an AMI user that excludes a message", async () => {
    const eventFilters = ["!Event: Other", "!CallerIDNum: 101"];
    const { id } = await relay.createSession({
      feed: "ami",
      kind: "ami",
      username: "w",
      read: "all",
      eventFilters,
    });
    await relay.appendAmi("ami", "Event: Newchannel\r\nPrivilege: call,all\r\nCallerIDNum: 101\r\n\r\n");
    expect(await relay.explain(id, 1)).toMatchObject({
      outcome: "filtered",
      filter: { part: "eventFilters", line: "!CallerIDNum: 101" },
      message: { amiEvent: "Newchannel", amiClasses: ["call"] },
    });
  });

  it.each([["0"], ["x"], ["1.5"]])("is refused for %s, which is no sequence number", async (sequence) => {
    const { id } = await relay.createSession({ feed: "pbx", url: receiver.url("/none") });
    const answered = await relay.call("GET", `/v1/sessions/${id}/explain/${sequence}`);
    expect([answered.status, answered.json.errors[0].at]).toEqual([400, "path.sequence"]);
  });
});
