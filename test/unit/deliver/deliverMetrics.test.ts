import { beforeEach, describe, expect, it } from "vitest";
import { type DeliverParts, deliver } from "../../../functions/deliver/deliver.ts";
import { createFollowers } from "../../../shared/queue/follower.ts";
import { silentLog } from "../../../shared/runtime/log.ts";
import type { Cursor } from "../../../shared/sessions/cursor.ts";
import { createJudges } from "../../../shared/sessions/judge.ts";
import type { DeliveryOutcome } from "../../../shared/webhook/outcome.ts";
import { SharedMessages } from "../../../shared/webhook/sharedMessages.ts";
import { FEED, MemoryRelay, openGate } from "../../support/memoryRelay.ts";
import { RecordedMetrics } from "../../support/recordedMetrics.ts";
import { storedPage } from "../queue/samples.ts";

let relay: MemoryRelay;
let metrics: RecordedMetrics;
/** The endpoint's response and its duration. */
let answers: DeliveryOutcome[];

beforeEach(() => {
  relay = new MemoryRelay(100);
  relay.addSession("s");
  metrics = new RecordedMetrics();
  answers = [];
});

const accepted = (durationMillis: number): DeliveryOutcome => ({
  kind: "accepted",
  status: 200,
  durationMillis,
});
const refused: DeliveryOutcome = {
  kind: "failed",
  reason: "http.status",
  detail: "",
  status: 500,
  durationMillis: 5,
};

function append(count: number): void {
  const first = relay.tail() + 1;
  relay.pages.set(first, storedPage(first, count, { appendedAtEpochMillis: relay.nowEpochMillis }));
}

function change(facts: Partial<Cursor>): void {
  const cursor = relay.cursors.get("s");
  if (cursor) relay.cursors.set("s", { ...cursor, ...facts });
}

async function turn(): Promise<void> {
  const parts: DeliverParts = {
    cursors: relay.cursorStore(openGate),
    sessions: relay.sessionStore(),
    followerOf: createFollowers(relay.pageReader(openGate), relay.clock),
    wakes: relay.wakeSender(openGate),
    webhook: {
      post: async () => {
        const outcome = answers.shift() ?? accepted(0);
        relay.nowEpochMillis += outcome.durationMillis;
        return outcome;
      },
    },
    clock: relay.clock,
    judgeOf: createJudges(() => 0, relay.clock),
    sharedMessages: new SharedMessages(),
    random: () => 0.5,
    attempts: { record: async () => {} },
    log: silentLog,
    metrics,
    settings: {
      leaseMillis: 20_000,
      lingerMillis: 0,
      requestTimeoutMillis: 15_000,
      fastRequestTimeoutMillis: 3_000,
    },
    stopping: new AbortController().signal,
  };
  await deliver(parts, { feed: FEED, session: "s" }, 10_000);
}

describe("a turn's metrics", () => {
  it("include the accepted messages and the time since the append of the last one", async () => {
    append(3);
    relay.nowEpochMillis += 400;
    append(2);
    relay.nowEpochMillis += 100;
    answers = [accepted(50)];
    await turn();
    expect(metrics.recorded).toEqual([
      { feed: FEED, name: "DeliveredMessages", value: 5 },
      { feed: FEED, name: "AppendToDelivery", value: 150 },
    ]);
  });

  it("omit the times of the slow lane, which depend on the endpoint", async () => {
    change({ lane: "slow" });
    append(3);
    relay.nowEpochMillis += 60_000;
    await turn();
    expect(metrics.sums()).toEqual({ DeliveredMessages: 3 });
  });

  it("include a failed attempt for every refusal, and the messages once", async () => {
    append(3);
    answers = [refused, refused];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await turn();
      relay.nowEpochMillis += 60_000;
    }
    expect(metrics.sums()).toEqual({ FailedAttempts: 2, DeliveredMessages: 3 });
  });

  it("include a gap when pages have expired, but no late delivery for the report of the gap", async () => {
    append(3);
    append(2);
    relay.pages.delete(1);
    await turn();
    expect(metrics.sums()).toEqual({ GapsExpired: 1, DeliveredMessages: 2 });
  });

  it("are empty when there is nothing to send", async () => {
    await turn();
    expect(metrics.recorded).toEqual([]);
  });
});
