import { describe, expect, it } from "vitest";
import type { Session, WebhookSession } from "../../client/index.ts";
import { Activity, watch } from "../../local/activity.ts";
import { Progress } from "../../local/demo/progress.ts";
import { greeting } from "../../local/terminal.ts";
import { troubleOf } from "../../local/trouble.ts";

const DUE = new Date(2026, 10, 27, 15, 4, 5).toISOString();

const session: WebhookSession = {
  id: "ses_1",
  feed: "demo",
  kind: "webhook",
  url: "http://127.0.0.1:9000/",
  format: "stasis",
  maxBatch: 100,
  filter: null,
  compress: null,
  state: "active",
  next: 1,
  lagMessages: 0,
  lagSeconds: 0,
  attempts: 0,
  lastError: null,
  lastDelivery: null,
  createdAt: "2026-11-27T15:00:00.000Z",
  cursor: { state: "parked", segment: 0, fence: 1, lane: "fast", leaseUntil: null, dueAt: null, gap: null },
};
const failing: WebhookSession = {
  ...session,
  state: "backoff",
  attempts: 3,
  lastError: { reason: "http.status", detail: "the endpoint answered 500", status: 500, at: DUE },
  cursor: { ...session.cursor, state: "backoff", dueAt: DUE },
};

describe("a line of the demo", () => {
  const progress = () => new Progress(new Map([["ses_1", { name: "wallboard", first: 11 }]]));

  it("adds up: delivered and lag are the messages since the session began", () => {
    const [line = ""] = progress().changed([{ ...session, next: 51, lagMessages: 30 }]);
    const [, delivered, all, lag] = /delivered +(\d+) of +(\d+) +lag +(\d+)/.exec(line) ?? [];
    expect([delivered, all, lag].map(Number)).toEqual([40, 70, 30]);
  });

  it("is aligned with those of sessions that have long ids", () => {
    const long = { ...session, id: `ses_${"a".repeat(32)}`, feed: "pbx-1" };
    const lines = progress().changed([session, long]);
    expect(new Set(lines.map((line) => line.search(/ lag /))).size).toBe(1);
  });

  it("comes only when it differs from the one before", () => {
    const lines = progress();
    expect(lines.changed([session])).toHaveLength(1);
    expect(lines.changed([session])).toEqual([]);
    expect(lines.changed([{ ...session, next: 12 }])).toHaveLength(1);
  });

  it("says why a session backs off: reason, status and next try", () => {
    expect(progress().changed([failing])[0]).toMatch(
      /backoff after 3 attempts: http\.status, the endpoint answered 500; next try at 15:04:05$/,
    );
  });
});

it("a suspended session comes with the way to resume it", () => {
  expect(troubleOf({ ...failing, state: "suspended" })).toContain(
    'suspended: http.status, the endpoint answered 500; PATCH it with {"state":"active"} to resume',
  );
});

describe("what happens in the feeds", () => {
  it("is a line a feed and not a line a message", () => {
    const activity = new Activity();
    for (let count = 0; count < 1_000; count++) activity.record("pbx-1", { AppendedEvents: 1 });
    activity.record("pbx-1", { DeliveredMessages: 500, FailedAttempts: 2 });
    expect(activity.take()).toEqual({
      lines: ["pbx-1: appended 1000, delivered 500, failed attempts 2"],
      hasFailures: true,
    });
    expect(activity.take()).toEqual({ lines: [], hasFailures: false });
  });

  it("takes few lines however many feeds there are, the busiest first", () => {
    const activity = new Activity();
    for (let feed = 1; feed <= 1_000; feed++) activity.record(`pbx-${feed}`, { AppendedEvents: feed });
    const { lines } = activity.take();
    expect(lines).toHaveLength(11);
    expect([lines[0], lines[10]]).toEqual(["pbx-1000: appended 1000", "… and 990 more feeds"]);
  });

  it("leaves out the feed of the demo, which has lines of its own", () => {
    const activity = new Activity(["demo"]);
    activity.record("demo", { AppendedEvents: 1 });
    expect(activity.take().lines).toEqual([]);
  });
});

describe("watching a relay", () => {
  /** The lines of some seconds, at each of which the sessions are as given. */
  async function linesOf(seconds: readonly (readonly Session[])[], activity: Activity): Promise<string[]> {
    const stopping = new AbortController();
    const lines: string[] = [];
    let second = 0;
    await watch({
      activity,
      client: {
        listSessions: async function* () {
          yield* seconds[second] ?? [];
        },
      },
      showsSessions: true,
      stopping: stopping.signal,
      clock: {
        sleep: async () => {
          second++;
          if (second === seconds.length) stopping.abort();
        },
      },
      print: (line) => void lines.push(line),
    });
    return lines;
  }

  it("says once why a session backs off, and when it is active again", async () => {
    const activity = new Activity();
    activity.record("demo", { FailedAttempts: 1 });
    expect(await linesOf([[failing], [failing], [session], [session]], activity)).toEqual([
      "demo: failed attempts 1",
      "demo/ses_1: backoff after 3 attempts: http.status, the endpoint answered 500; next try at 15:04:05",
      "demo/ses_1: active again",
    ]);
  });

  it("does not read the sessions while no attempt fails", async () => {
    expect(await linesOf([[failing], [failing]], new Activity())).toEqual([]);
  });

  it("names ten sessions a second at most", async () => {
    const activity = new Activity();
    activity.record("demo", { FailedAttempts: 500 });
    const many = Array.from({ length: 500 }, (_, index) => ({ ...failing, id: `ses_${index}` }));
    expect(await linesOf([many], activity)).toHaveLength(1 + 10);
  });
});

describe("the greeting", () => {
  it("says that the data are in memory only, and how to keep them", () => {
    expect(greeting("http://127.0.0.1:8080", "local", undefined)).toContain(
      "Data are in memory only and end with this process; RELAY_DATA_DIR=.data keeps them.",
    );
    expect(greeting("http://127.0.0.1:8080", "local", "/var/relay")).toContain(
      "Data are kept in /var/relay.",
    );
  });

  it("does not show a key of one's own", () => {
    expect(greeting("http://127.0.0.1:8080", "my-key", undefined)).not.toContain("my-key");
  });
});
