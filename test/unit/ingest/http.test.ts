import { beforeEach, describe, expect, it } from "vitest";
import { Appender } from "../../../functions/ingest/append.ts";
import { GroupCommit } from "../../../functions/ingest/groupCommit.ts";
import { createIngestApp } from "../../../functions/ingest/http.ts";
import { Intake } from "../../../functions/ingest/intake.ts";
import { managementKey } from "../../support/callers.ts";
import type { RecordedMetrics } from "../../support/recordedMetrics.ts";
import { FEED } from "../queue/samples.ts";
import { appendParts, ManualClock, MemoryQueue } from "./memoryQueue.ts";

let queue: MemoryQueue;
let app: ReturnType<typeof createIngestApp>;
let metrics: RecordedMetrics;

beforeEach(() => {
  queue = new MemoryQueue();
  const parts = appendParts(queue, new ManualClock());
  metrics = parts.metrics;
  const intake = new Intake(new GroupCommit(new Appender(parts)), metrics);
  app = createIngestApp(intake, managementKey("key"), parts.log);
});

async function post(body: string, headers: Record<string, string> = {}, feed = FEED) {
  const answer = await app.request(`/v1/feeds/${feed}/events`, {
    method: "POST",
    body,
    headers: { authorization: "Bearer key", "content-type": "application/json", ...headers },
  });
  return {
    status: answer.status,
    type: answer.headers.get("content-type"),
    body: JSON.parse(await answer.text()),
  };
}

const batch = '[{"type":"Dial","n":1},{"nonsense":true},{"type":"Dial","n":2}]';

describe("POST /v1/feeds/{feed}/events", () => {
  it("answers 202 with the numbers once the events are durable", async () => {
    expect(await post(batch)).toMatchObject({
      status: 202,
      body: {
        first: 1,
        last: 2,
        accepted: 2,
        duplicates: 0,
        refused: [{ index: 1, error: expect.stringContaining("type: ") }],
      },
    });
    expect(queue.eventsOf(FEED)).toHaveLength(2);
    expect(metrics.sums()).toEqual({ RefusedEvents: 1, AppendedPages: 1, AppendedEvents: 2 });
  });

  it("answers a resend with its original numbers", async () => {
    const headers = { "relay-producer": "p", "relay-position": "1" };
    const first = await post(batch, headers);
    expect(await post(batch, headers)).toMatchObject({
      status: 202,
      body: { ...first.body, accepted: 0, duplicates: 2 },
    });
  });

  it.each<[string, () => ReturnType<typeof post>, number, string]>([
    ["a wrong key", () => post(batch, { authorization: "Bearer no" }), 401, "key.wrong"],
    ["an invalid feed name", () => post(batch, {}, "a%20b"), 400, "feed.name-invalid"],
    ["a producer without a position", () => post(batch, { "relay-producer": "p" }), 400, "producer.invalid"],
    ["a body that is not JSON", () => post("["), 400, "body.invalid"],
    ["only refused events", () => post("[1,2]"), 422, "events.refused"],
    [
      "another content type",
      () => post(batch, { "content-type": "text/plain" }),
      415,
      "content-type.unsupported",
    ],
    ["another path", () => post(batch, {}, "a/b"), 404, "route.unknown"],
  ])("answers %s with a problem and appends nothing", async (_what, call, status, code) => {
    expect(await call()).toMatchObject({ status, type: "application/problem+json", body: { status, code } });
    expect([queue.heads.size, queue.pages.size]).toEqual([0, 0]);
  });

  it("answers positions that contradict earlier ones with 409 and the expected position", async () => {
    await post(batch, { "relay-producer": "p", "relay-position": "5" });
    expect(await post(batch, { "relay-producer": "p", "relay-position": "1" })).toMatchObject({
      status: 409,
      body: { code: "producer.position-conflict", detail: expect.stringContaining("8") },
    });
    // One malformed event in each request, and the two events with contradicting positions.
    expect(metrics.sums()).toMatchObject({ RefusedEvents: 4, AppendedEvents: 2 });
  });
});
