import { beforeEach, expect, it } from "vitest";
import { measureSessions } from "../../../functions/sweep/measure.ts";
import { wasHintLost } from "../../../functions/sweep/needsWake.ts";
import { readTail } from "../../../shared/queue/tail.ts";
import type { Cursor } from "../../../shared/sessions/cursor.ts";
import { FEED, MemoryRelay, openGate } from "../../support/memoryRelay.ts";
import { storedPage } from "../queue/samples.ts";

let relay: MemoryRelay;

/** Ten pages of five messages, a second apart. */
beforeEach(() => {
  relay = new MemoryRelay(10);
  for (let page = 0; page < 10; page += 1) {
    relay.nowEpochMillis += 1_000;
    const appendedAtEpochMillis = relay.nowEpochMillis;
    relay.pages.set(5 * page + 1, storedPage(5 * page + 1, 5, { appendedAtEpochMillis }));
  }
});

function stand(sessionId: string, facts: Partial<Cursor>): void {
  relay.addSession(sessionId);
  const cursor = relay.cursors.get(sessionId);
  if (cursor) relay.cursors.set(sessionId, { ...cursor, ...facts });
}

async function measure(unreadableGroups = 0) {
  const tail = await readTail(relay.tailSource(openGate), FEED, () => relay.nowEpochMillis);
  if (tail === undefined) throw new Error("the feed is not there");
  const parts = { ...relay.sweepStores(), clock: relay.clock };
  return measureSessions(parts, tail, [...relay.cursors.values()], unreadableGroups);
}

it("an AMI user counts while it is logged in, and not while it is away", async () => {
  stand("webhook", { next: 48 });
  const leaseUntilEpochMillis = relay.nowEpochMillis + 10_000;
  stand("away", { kind: "ami", next: 1 });
  stand("crashed", { kind: "ami", next: 2, state: "active", leaseUntilEpochMillis: relay.nowEpochMillis });
  expect(await measure()).toMatchObject({ SlowestSessionLagMessages: 3 });
  stand("slow", { kind: "ami", next: 31, state: "active", leaseUntilEpochMillis });
  expect(await measure()).toMatchObject({ SlowestSessionLagMessages: 20 });
});

it("the lag is that of the slowest session, in messages and as the age of its next message", async () => {
  stand("near", { next: 48 });
  stand("far", { next: 33, state: "backoff" });
  expect(await measure()).toEqual({
    SlowestSessionLagMessages: 18,
    SlowestSessionLagSeconds: 3,
    SuspendedSessions: 0,
  });
});

it("paused and suspended sessions do not lag; suspended sessions are counted", async () => {
  stand("paused", { next: 3, state: "paused" });
  stand("suspended", { next: 1, state: "suspended" });
  stand("reader", { next: 51 });
  expect(await measure()).toEqual({
    SlowestSessionLagMessages: 0,
    SlowestSessionLagSeconds: 0,
    SuspendedSessions: 1,
  });
});

it("a group that cannot be read counts as a suspended session", async () => {
  stand("suspended", { next: 1, state: "suspended" });
  expect(await measure(2)).toMatchObject({ SlowestSessionLagMessages: 0, SuspendedSessions: 3 });
});

it("a feed without sessions has no lag", async () => {
  expect(await measure()).toEqual({
    SlowestSessionLagMessages: 0,
    SlowestSessionLagSeconds: 0,
    SuspendedSessions: 0,
  });
});

it.each<[string, Partial<Cursor>, boolean]>([
  ["parked behind the tail", { state: "parked" }, true],
  [
    "parked, with a filter that may want none of the messages",
    { state: "parked", interest: ["Dial"] },
    false,
  ],
  [
    "parked with a gap to report, whatever the filter",
    { state: "parked", interest: ["Dial"], gap: { first: 1, last: 2, reason: "retention" } },
    true,
  ],
  ["signalled", { state: "signalled" }, true],
  ["active with a holder that died", { state: "active" }, true],
  [
    "backing off for 15 minutes",
    { state: "backoff", changedAtEpochMillis: 1, dueAtEpochMillis: 900_001 },
    true,
  ],
  [
    "backing off for longer than SQS delays a wake",
    { state: "backoff", changedAtEpochMillis: 1, dueAtEpochMillis: 900_002 },
    false,
  ],
])("wasHintLost of a session that is %s", (_what, facts, expected) => {
  stand("s", facts);
  const cursor = relay.cursors.get("s");
  expect(cursor && wasHintLost(cursor)).toBe(expected);
});
