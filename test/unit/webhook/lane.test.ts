import { describe, expect, it } from "vitest";
import {
  groupTurnEnd,
  hasOutstayed,
  laneAfter,
  requestTimeoutMillis,
  turnMillis,
} from "../../../shared/webhook/lane.ts";

const settings = { requestTimeoutMillis: 15_000, fastRequestTimeoutMillis: 3_000 };
const failed = (reason: string) => ({ kind: "failed", reason, detail: "", durationMillis: 3_000 }) as const;

describe("a request", () => {
  it("has a shorter timeout in the fast lane", () => {
    expect(requestTimeoutMillis("fast", settings)).toBe(3_000);
    expect(requestTimeoutMillis("slow", settings)).toBe(15_000);
  });

  it("has outstayed when only the fast lane's timeout has passed", () => {
    expect(hasOutstayed("fast", failed("timeout"), settings)).toBe(true);
    expect(hasOutstayed("slow", failed("timeout"), settings)).toBe(false);
    expect(hasOutstayed("fast", failed("connection.refused"), settings)).toBe(false);
    const sameTime = { ...settings, fastRequestTimeoutMillis: 15_000 };
    expect(hasOutstayed("fast", failed("timeout"), sameTime)).toBe(false);
  });
});

it("the duration of an accepted request decides the lane", () => {
  expect(laneAfter(1_000)).toBe("fast");
  expect(laneAfter(1_001)).toBe("slow");
});

it.each([
  [1, 2_000],
  [2, 2_000],
  [3, 3_000],
  [10, 10_000],
  [11, 10_000],
])("an invocation for %i sessions lasts %i ms", (sessions, millis) => {
  expect(turnMillis(sessions, 10_000)).toBe(millis);
});

describe("the end of a group's turn", () => {
  it("is the same for all turns of a feed that begin at about the same time", () => {
    const ends = [0, 1_000, 2_400].map((later) => groupTurnEnd(1_000_000 + later, 0));
    expect(ends).toEqual([1_005_000, 1_005_000, 1_005_000]);
  });

  it("leaves each turn at least half of five seconds, and at most one and a half times as long", () => {
    for (let phase = 0; phase < 20_000; phase += 777)
      for (let nowEpochMillis = 1_000_000; nowEpochMillis < 1_010_000; nowEpochMillis += 99) {
        const millis = groupTurnEnd(nowEpochMillis, phase) - nowEpochMillis;
        expect(millis).toBeGreaterThanOrEqual(2_500);
        expect(millis).toBeLessThan(7_500);
      }
  });

  it("is five seconds after the one before", () => {
    const end = groupTurnEnd(1_000_000, 321);
    expect(groupTurnEnd(end, 321)).toBe(end + 5_000);
  });
});
