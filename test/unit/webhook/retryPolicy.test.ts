import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeliveryOutcome } from "../../../shared/webhook/outcome.ts";
import {
  afterFailure,
  RETRY_BASE_MILLIS,
  RETRY_CAP_MILLIS,
  RETRY_FLOOR_MILLIS,
  RETRY_WINDOW_MILLIS,
} from "../../../shared/webhook/retryPolicy.ts";

type Failed = Extract<DeliveryOutcome, { kind: "failed" }>;
const NOW = 1_700_000_000_000;
const failed = (facts: Partial<Failed> = {}): Failed => ({
  kind: "failed",
  reason: "http.status",
  detail: "status 500",
  durationMillis: 1,
  ...facts,
});
const decide = (facts: Partial<Parameters<typeof afterFailure>[0]> = {}) =>
  afterFailure({
    outcome: failed(),
    attempts: 1,
    failingSinceEpochMillis: NOW,
    nowEpochMillis: NOW,
    random: () => 0.5,
    ...facts,
  });
const delayOf = (facts: Parameters<typeof decide>[0]) => {
  const decision = decide(facts);
  if (decision.kind !== "backoff") throw new Error(`unexpectedly suspended: ${decision.reason}`);
  return decision.dueAtEpochMillis - NOW;
};
const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const anyAttempts = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100_000 }));

describe("afterFailure", () => {
  it("waits between the floor and a limit that doubles up to the cap, in whole milliseconds", () => {
    fc.assert(
      fc.property(anyAttempts, anyRandom, (attempts, random) => {
        const delay = delayOf({ attempts, random: () => random });
        expect(Number.isInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(RETRY_FLOOR_MILLIS);
        expect(delay).toBeLessThanOrEqual(
          Math.min(RETRY_CAP_MILLIS, RETRY_BASE_MILLIS * 2 ** (attempts - 1)),
        );
      }),
    );
  });

  it.each([
    [1, 5_000],
    [2, 10_000],
    [3, 20_000],
    [10, 2_560_000],
    [11, 3_600_000],
    [5_000, 3_600_000],
  ])("spreads attempt %i over the whole range up to %i ms", (attempts, limit) => {
    expect(delayOf({ attempts, random: () => 0 })).toBe(RETRY_FLOOR_MILLIS);
    expect(delayOf({ attempts, random: () => 0.5 })).toBe((RETRY_FLOOR_MILLIS + limit) / 2);
    expect(delayOf({ attempts, random: () => 1 - Number.EPSILON })).toBeGreaterThan(limit - 2);
  });

  it("never retries before Retry-After, and ignores a shorter Retry-After", () => {
    fc.assert(
      fc.property(anyAttempts, anyRandom, fc.nat(86_400_000), (attempts, random, retryAfterMillis) => {
        const plain = delayOf({ attempts, random: () => random });
        const asked = delayOf({ attempts, random: () => random, outcome: failed({ retryAfterMillis }) });
        expect(asked).toBe(Math.max(plain, retryAfterMillis));
      }),
    );
  });

  it("suspends after three days of failures, whatever the endpoint asks for, and not before", () => {
    const failingSinceEpochMillis = NOW - RETRY_WINDOW_MILLIS;
    const outcome = failed({ retryAfterMillis: 1_000 });
    expect(decide({ failingSinceEpochMillis, outcome })).toEqual({
      kind: "suspend",
      reason: "retries exhausted",
    });
    expect(decide({ failingSinceEpochMillis: failingSinceEpochMillis + 1 }).kind).toBe("backoff");
    expect(RETRY_WINDOW_MILLIS).toBe(3 * 24 * 60 * 60 * 1000);
  });

  it("suspends at the first 410", () => {
    const outcome = failed({ status: 410, reason: "http.gone" });
    expect(decide({ outcome })).toEqual({ kind: "suspend", reason: "gone" });
    expect(decide({ outcome: failed({ status: 404 }) }).kind).toBe("backoff");
  });
});
