import { describe, expect, it } from "vitest";
import type { AmiSession, FeedSummary, Session, WebhookSession } from "../../../client/index.ts";
import { Activity } from "../../../local/activity.ts";
import { Lookout } from "../../../local/live/lookout.ts";

const DUE = new Date(2026, 10, 27, 15, 4, 5).toISOString();

const webhook: WebhookSession = {
  id: "ses_1",
  feed: "demo",
  kind: "webhook",
  url: "http://127.0.0.1:9000/",
  format: "stasis",
  compress: null,
  maxBatch: 100,
  filter: null,
  state: "active",
  next: 101,
  lagMessages: 0,
  lagSeconds: 0,
  attempts: 0,
  lastError: null,
  lastDelivery: null,
  createdAt: "2026-11-27T15:00:00.000Z",
  cursor: { state: "parked", segment: 0, fence: 1, lane: "fast", leaseUntil: null, dueAt: null, gap: null },
};
const user: AmiSession = {
  id: "ses_2",
  feed: "demo",
  kind: "ami",
  username: "wall\x1b[2Jboard",
  read: "all",
  eventFilters: [],
  resume: true,
  multipleLogin: "take-over",
  sequenceHeader: false,
  state: "active",
  connectedSince: null,
  lastLogin: null,
  next: 1,
  lagMessages: 100,
  lagSeconds: 0,
  lastError: null,
  lastDelivery: null,
  createdAt: "2026-11-27T15:00:00.000Z",
  cursor: webhook.cursor,
};
const feed: FeedSummary = {
  feed: "demo",
  head: 1,
  tail: 100,
  lastAppend: null,
  sessions: 2,
  lagMessagesAtMost: 0,
  producers: 0,
};

interface Moment {
  readonly feeds: readonly FeedSummary[];
  readonly sessions: readonly Session[];
}

/** A look at each moment, two seconds apart. */
async function looks(
  moments: readonly Moment[],
  activity = new Activity(),
  names = new Map<string, string>(),
) {
  let [current, now] = [moments[0], 0];
  const lookout = new Lookout({
    client: {
      listFeeds: async function* () {
        yield* current?.feeds ?? [];
      },
      listSessions: async function* () {
        yield* current?.sessions ?? [];
      },
    },
    activity,
    names,
    nowEpochMillis: () => now,
  });
  const pictures = [];
  for (current of moments) {
    pictures.push(await lookout.look());
    now += 2_000;
  }
  return pictures;
}

describe("a look at the relay", () => {
  it("says how fast feeds and sessions move since the look before", async () => {
    const [first, second] = await looks([
      { feeds: [feed], sessions: [webhook] },
      { feeds: [{ ...feed, tail: 140 }], sessions: [{ ...webhook, next: 121, lagMessages: 20 }] },
    ]);
    expect(first?.feeds[0]?.appendedPerSecond).toBe(0);
    expect(second?.feeds[0]).toMatchObject({ tail: 140, appendedPerSecond: 20 });
    expect(second?.sessions[0]).toMatchObject({ lagMessages: 20, deliveredPerSecond: 10 });
  });

  it("counts all of a feed that is new, and nothing of a session that was moved back", async () => {
    const [, second] = await looks([
      { feeds: [], sessions: [webhook] },
      { feeds: [feed], sessions: [{ ...webhook, next: 1 }] },
    ]);
    expect(second?.feeds[0]?.appendedPerSecond).toBe(50);
    expect(second?.sessions[0]?.deliveredPerSecond).toBe(0);
  });

  it("counts what was delivered since the look before, and what was refused since the start", async () => {
    const activity = new Activity();
    activity.record("demo", { DeliveredMessages: 6, RefusedEvents: 2 });
    const moment = { feeds: [feed], sessions: [] };
    const [first, second] = await looks([moment, moment], activity);
    expect(first?.feeds[0]?.refused).toBe(2);
    expect(second?.feeds[0]).toMatchObject({ deliveredPerSecond: 0, refused: 2 });
  });

  it("has the reason and the next try of a session that backs off", async () => {
    const failing: WebhookSession = {
      ...webhook,
      state: "backoff",
      attempts: 3,
      lastError: {
        reason: "http.status",
        detail: "the endpoint\nanswered \x1b[31m500",
        status: 500,
        at: DUE,
      },
      cursor: { ...webhook.cursor, state: "backoff", dueAt: DUE },
    };
    const [picture] = await looks([{ feeds: [feed], sessions: [failing] }]);
    expect(picture?.sessions[0]).toMatchObject({
      name: "ses_1",
      state: "backoff",
      why: "3 attempts: http.status, the endpoint answered 500",
      nextTry: "15:04:05",
    });
  });

  it("says how to resume a suspended session", async () => {
    const suspended: WebhookSession = { ...webhook, state: "suspended", attempts: 9 };
    const [picture] = await looks([{ feeds: [feed], sessions: [suspended] }]);
    expect(picture?.sessions[0]?.why).toBe('PATCH it with {"state":"active"} to resume');
  });

  it("calls sessions by their names, AMI users by their usernames, and those without a client away", async () => {
    const sessions = [webhook, user, { ...user, id: "ses_3", connectedSince: DUE }];
    const [picture] = await looks(
      [{ feeds: [feed], sessions }],
      new Activity(),
      new Map([["ses_1", "slow"]]),
    );
    expect(picture?.sessions.map(({ name, state }) => [name, state])).toEqual([
      ["wallboard", "active"],
      ["slow", "active"],
      ["wallboard", "away"],
    ]);
  });

  it("reads a thousand sessions at most, and says that there are more", async () => {
    const sessions = Array.from({ length: 1_001 }, (_, index) => ({ ...webhook, id: `ses_${index}` }));
    const [picture] = await looks([{ feeds: [feed], sessions }]);
    expect(picture).toMatchObject({ hasMoreSessions: true, hasMoreFeeds: false });
    expect(picture?.sessions).toHaveLength(1_000);
  });
});
