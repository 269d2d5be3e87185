import { describe, expect, it } from "vitest";
import { needsWake } from "../../../functions/sweep/needsWake.ts";
import { type Cursor, newCursor } from "../../../shared/sessions/cursor.ts";

const NOW = 1_000_000;
const GRACE = 5_000;

const tail = { next: 20, lastAppendedAtEpochMillis: NOW };
const old = { changedAtEpochMillis: NOW - GRACE };
const young = { changedAtEpochMillis: NOW - GRACE + 1 };
const gap = { first: 1, last: 19, reason: "retention" as const };

function cursor(facts: Partial<Cursor>): Cursor {
  const born = {
    feed: "pbx",
    session: "s",
    next: 10,
    segmentSize: 100,
    interest: undefined,
    nowEpochMillis: 0,
  };
  return { ...newCursor(born), ...facts };
}

describe("needsWake", () => {
  it.each<[string, Partial<Cursor>, boolean]>([
    ["parked behind the tail for longer than the grace", { state: "parked", ...old }, true],
    ["parked behind the tail for less", { state: "parked", ...young }, false],
    ["parked at the tail", { state: "parked", ...old, next: 20 }, false],
    ["parked at the tail with a gap to report", { state: "parked", ...old, next: 20, gap }, true],
    ["signalled for longer than the grace", { state: "signalled", ...old, next: 20 }, true],
    ["signalled for less", { state: "signalled", ...young }, false],
    ["signalled, with a wake repeated a grace ago", { state: "signalled", ...old, wakesRepeated: 1 }, false],
    [
      "signalled, with a wake repeated two graces ago",
      { state: "signalled", changedAtEpochMillis: NOW - 2 * GRACE, wakesRepeated: 1 },
      true,
    ],
    [
      "signalled, with a wake repeated very often",
      { state: "signalled", changedAtEpochMillis: NOW - 1024 * GRACE, wakesRepeated: 99 },
      true,
    ],
    [
      "backing off until now, with a wake repeated a grace ago",
      { state: "backoff", ...old, dueAtEpochMillis: NOW, wakesRepeated: 1 },
      false,
    ],
    [
      "active with an expired lease, with a wake repeated a grace ago",
      { state: "active", ...old, leaseUntilEpochMillis: NOW, wakesRepeated: 1 },
      false,
    ],
    ["backing off until now", { state: "backoff", ...old, dueAtEpochMillis: NOW }, true],
    ["backing off until later", { state: "backoff", ...old, dueAtEpochMillis: NOW + 1 }, false],
    ["active with an expired lease", { state: "active", ...old, leaseUntilEpochMillis: NOW }, true],
    ["active with a lease", { state: "active", ...old, leaseUntilEpochMillis: NOW + 1 }, false],
    ["parked in what is now the future", { state: "parked", changedAtEpochMillis: NOW + 3_600_000 }, true],
    [
      "signalled in what is now the future",
      { state: "signalled", changedAtEpochMillis: NOW + 3_600_000 },
      true,
    ],
    [
      "signalled by a clock that is slightly ahead",
      { state: "signalled", changedAtEpochMillis: NOW + GRACE },
      false,
    ],
    [
      "backing off since what is now the future",
      { state: "backoff", changedAtEpochMillis: NOW + 3_600_000, dueAtEpochMillis: NOW + 3_605_000 },
      true,
    ],
    [
      "active with a lease that is longer than any",
      { state: "active", ...old, leaseUntilEpochMillis: NOW + 3_600_000 },
      true,
    ],
    ["paused", { state: "paused", ...old }, false],
    ["suspended", { state: "suspended", ...old }, false],
  ])("of a session that is %s", (_what, facts, expected) => {
    expect(needsWake(cursor(facts), tail, NOW, GRACE)).toBe(expected);
  });
});
