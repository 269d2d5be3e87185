import { describe, expect, it } from "vitest";
import { hasOutstayed, laneAfter, requestTimeoutMillis, turnMillis } from "../../../shared/webhook/lane.ts";

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
