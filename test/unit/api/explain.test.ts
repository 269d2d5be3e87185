import { describe, expect, it } from "vitest";
import { type ExplainedFacts, explain } from "../../../functions/api/explain.ts";
import { renderAmi } from "../../../shared/ami/amiMessage.ts";
import { renderMessage } from "../../../shared/queue/message.ts";
import type { Attempt } from "../../../shared/sessions/attempt.ts";
import type { AmiSession, WebhookSession } from "../../../shared/sessions/session.ts";
import { cursorOf, NOW } from "../sessions/samples.ts";

const webhook: WebhookSession = {
  session: "ses_1",
  feed: "pbx-1",
  kind: "webhook",
  url: "https://example.com/",
  format: "stasis",
  maxBatch: 100,
  secrets: [],
  createdAtEpochMillis: NOW - 3_600_000,
};

const user: AmiSession = {
  session: "ses_1",
  feed: "pbx-1",
  kind: "ami",
  username: "wallboard",
  read: "all",
  eventFilters: [],
  resume: true,
  multipleLogin: "refuse",
  sequenceHeader: false,
  isPaused: false,
  version: 1,
  secrets: [],
  createdAtEpochMillis: NOW - 3_600_000,
};

const ami = renderAmi("Newchannel", ["call"], [["Channel", "PJSIP/100"]]);
const message = renderMessage("ChannelCreated", "2026-11-23T08:00:00Z", "{}", ami);
const held = { message, appendedAtEpochMillis: NOW - 60_000 };

function attempt(facts: Partial<Attempt>): Attempt {
  return {
    outcome: "accepted",
    status: 204,
    sinceEpochMillis: NOW,
    atEpochMillis: NOW,
    durationMillis: 5,
    requests: 1,
    batch: "batch",
    first: 20,
    last: 24,
    messages: 5,
    ...facts,
  };
}

/** The feed holds 11 to 40. The session's next message is 25. */
function explained(facts: Partial<ExplainedFacts>) {
  return explain({
    session: webhook,
    cursor: cursorOf({ next: 25 }),
    tail: { next: 41, headSegment: 1, segmentSize: 10 },
    sequence: 30,
    held,
    attempts: [],
    nowEpochMillis: NOW,
    ...facts,
  });
}

const failed = attempt({ outcome: "failed", status: 500, reason: "http.status", first: 25, last: 32 });
const error = { reason: "http.status", detail: "status 500", status: 500, atEpochMillis: NOW };

describe("a message behind the session", () => {
  it("was delivered, with the endpoint's answer", () => {
    const delivered = attempt({});
    expect(explained({ sequence: 22, attempts: [failed, delivered] })).toMatchObject({
      outcome: "delivered",
      attempt: delivered,
      text: expect.stringContaining("204"),
    });
  });

  it("was delivered, also when it is freed", () => {
    const delivered = attempt({ first: 3, last: 24 });
    expect(explained({ sequence: 5, held: undefined, attempts: [delivered] })).toMatchObject({
      outcome: "delivered",
      attempt: delivered,
    });
  });

  it.each([
    ["a failure", { outcome: "failed" as const }],
    ["a test message", { test: "tst_1" }],
  ])("is not taken for delivered because of %s", (_what, facts) => {
    expect(explained({ sequence: 22, attempts: [attempt(facts)] })).not.toHaveProperty("attempt");
  });

  it("was passed when no attempt is recorded, or when the session began behind it", () => {
    expect(explained({ sequence: 22 })).toMatchObject({
      outcome: "passed",
      text: expect.stringContaining("seek"),
    });
    const older = { message, appendedAtEpochMillis: webhook.createdAtEpochMillis - 1 };
    expect(explained({ sequence: 22, held: older })).toMatchObject({
      outcome: "passed",
      text: expect.stringContaining("before the session was created"),
    });
    expect(explained({ session: user, sequence: 22 })).toMatchObject({ outcome: "passed" });
  });

  it("is freed below the head, and expired above it, when it is not held", () => {
    expect(explained({ sequence: 10, held: undefined }).outcome).toBe("freed");
    expect(explained({ sequence: 11, held: undefined }).outcome).toBe("expired");
  });
});

describe("a message in a gap", () => {
  it("will never come: the gap is still to be reported, or was", () => {
    const cursor = cursorOf({ next: 25, gap: { first: 3, last: 24, reason: "retention" } });
    expect(explained({ cursor, sequence: 24, held: undefined })).toMatchObject({
      outcome: "gap",
      text: expect.stringContaining("not reported yet"),
    });
    expect(explained({ cursor, sequence: 25 }).outcome).not.toBe("gap");
    const reported = attempt({ first: 3, last: 24, gap: "expired" });
    expect(explained({ sequence: 3, held: undefined, attempts: [reported] })).toMatchObject({
      outcome: "gap",
      attempt: reported,
      text: expect.stringContaining("expired"),
    });
  });
});

describe("a message that the session does not want", () => {
  it.each([
    ["types", { types: ["Dial"] }, undefined],
    ["read", { read: "user" }, undefined],
    ["events", { events: ["Hangup"] }, undefined],
    ["eventFilters", { eventFilters: ["Event: Hangup"] }, undefined],
    ["eventFilters", { eventFilters: ["!Event: Dial", "!PJSIP/1"] }, "!PJSIP/1"],
  ])("is filtered by %s", (part, filter, line) => {
    for (const sequence of [22, 30])
      expect(explained({ session: { ...webhook, filter }, sequence })).toMatchObject({
        outcome: "filtered",
        filter: { part, ...(line && { line }) },
      });
  });

  it("is filtered by the settings of an AMI user", () => {
    expect(explained({ session: { ...user, read: "user" } }).filter).toEqual({ part: "read" });
    expect(explained({ session: { ...user, eventFilters: ["!Newchannel"] } }).filter).toEqual({
      part: "eventFilters",
      line: "!Newchannel",
    });
  });

  it("is filtered when it has no form in the session's format, or no known class", () => {
    const stasisOnly = { ...held, message: renderMessage("PeerStatusChange", "2026-11-23T08:00:00Z", "{}") };
    for (const session of [user, { ...webhook, filter: { read: "all" } }])
      expect(explained({ session, held: stasisOnly }).filter).toEqual({ part: "form" });
    const unknown = {
      ...held,
      message: renderMessage("A", "2026-11-23T08:00:00Z", "{}", { ...ami, classes: undefined }),
    };
    expect(explained({ session: user, held: unknown }).filter).toEqual({ part: "class" });
  });
});

describe("a message ahead of the session", () => {
  it("is not appended yet", () => {
    expect(explained({ sequence: 41, held: undefined })).toMatchObject({
      outcome: "not-appended",
      text: expect.stringContaining("ends at 40"),
    });
  });

  it("has expired", () => {
    expect(explained({ held: undefined })).toMatchObject({
      outcome: "expired",
      text: expect.stringContaining("told a gap"),
    });
  });

  it("waits for the end of a backoff", () => {
    const cursor = cursorOf({
      ...{ state: "backoff", next: 25, attempts: 3, batchLast: 32, lastError: error },
      dueAtEpochMillis: NOW + 5_000,
    });
    const waiting = explained({ cursor, attempts: [failed] });
    expect(waiting).toMatchObject({ outcome: "waiting", because: "backoff", attempt: failed });
    expect(waiting.text).toBe(
      `The next attempt is at ${new Date(NOW + 5_000).toISOString()}, after 3 failures in a row (http.status: status 500). 5 numbers of the feed come before it.`,
    );
    expect(explained({ cursor: { ...cursor, dueAtEpochMillis: NOW } }).text).toMatch(
      /^The next attempt is due,/,
    );
    expect(explained({ cursor: { ...cursor, next: 29, attempts: 1 } }).text).toMatch(
      /after 1 failure \(.*\)\. 1 number of the feed comes before it\.$/,
    );
  });

  it("waits for a person", () => {
    expect(explained({ cursor: cursorOf({ state: "paused" }), sequence: 25 })).toEqual({
      outcome: "waiting",
      because: "paused",
      text: "The session is paused. It is the session's next message.",
    });
    expect(explained({ cursor: cursorOf({ state: "suspended", lastError: error }) })).toMatchObject({
      outcome: "waiting",
      because: "suspended",
      text: expect.stringContaining("http.status: status 500"),
    });
  });

  it("is in flight, or waits for the batch before it, or for the turn after a dead one", () => {
    const cursor = cursorOf({ state: "active", batchLast: 30, leaseUntilEpochMillis: NOW + 1 });
    expect(explained({ cursor, sequence: 30 })).toMatchObject({
      outcome: "in-flight",
      text: "It is being sent, in the batch 25 to 30.",
    });
    expect(explained({ cursor, sequence: 31 })).toMatchObject({ outcome: "waiting", because: "batch" });
    const expired = { ...cursor, leaseUntilEpochMillis: NOW };
    expect(explained({ cursor: expired, sequence: 30 })).toMatchObject({
      outcome: "waiting",
      because: "wake",
    });
  });

  it.each(["parked", "signalled"] as const)("waits for a turn of a session that is %s", (state) => {
    expect(explained({ cursor: cursorOf({ state }) })).toMatchObject({ outcome: "waiting", because: "wake" });
  });

  it.each(["parked", "active"] as const)("waits for the connection of an AMI user that is %s", (state) => {
    expect(explained({ session: user, cursor: cursorOf({ state }) })).toMatchObject({
      outcome: "waiting",
      because: "connection",
    });
  });
});

it("an AMI user without a position has none to explain", () => {
  expect(explained({ session: user, cursor: undefined })).toMatchObject({ outcome: "no-position" });
});
