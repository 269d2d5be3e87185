import { describe, expect, it } from "vitest";
import {
  groupTurn,
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

describe("the turn of a group", () => {
  it("ends at the same time as all turns of its feed that begin at about the same time", () => {
    const ends = [0, 1_000, 2_400].map((later) => later + groupTurn(1_000_000 + later, 0, 10_000).restMillis);
    expect(ends).toEqual([5_000, 5_000, 5_000]);
  });

  it("may rest after half of five seconds at the earliest, and ends two and a half seconds later", () => {
    for (let phase = 0; phase < 20_000; phase += 777)
      for (let nowEpochMillis = 1_000_000; nowEpochMillis < 1_010_000; nowEpochMillis += 99) {
        const { restMillis, turnMillis } = groupTurn(nowEpochMillis, phase, 60_000);
        expect(restMillis).toBeGreaterThanOrEqual(2_500);
        expect(restMillis).toBeLessThan(7_500);
        expect(turnMillis).toBe(restMillis + 2_500);
      }
  });

  it("is no longer than the longest turn", () => {
    expect(groupTurn(1_000_000, 0, 100)).toEqual({ restMillis: 100, turnMillis: 100 });
  });
});
