import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_RETRY_AFTER_MILLIS, parseRetryAfter } from "../../../shared/webhook/retryAfter.ts";

const NOW = Date.UTC(1994, 10, 6, 8, 49, 0);

describe("parseRetryAfter", () => {
  it.each([
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7_000],
    ["-5", 0],
    ["86400", MAX_RETRY_AFTER_MILLIS],
    ["86401", MAX_RETRY_AFTER_MILLIS],
    ["9".repeat(400), MAX_RETRY_AFTER_MILLIS],
  ])("reads delta-seconds %j", (value, millis) => {
    expect(parseRetryAfter(value, NOW)).toBe(millis);
  });

  it.each([
    ["IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT"],
    ["RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT"],
    ["asctime", "Sun Nov  6 08:49:37 1994"],
  ])("reads an HTTP-date in the form %s (the examples of RFC 9110 5.6.7)", (_form, value) => {
    expect(parseRetryAfter(value, NOW)).toBe(37_000);
  });

  it("treats a past date as now and bounds a distant date", () => {
    expect(parseRetryAfter("Sun, 06 Nov 1994 08:48:59 GMT", NOW)).toBe(0);
    expect(parseRetryAfter("Sun, 06 Nov 2044 08:49:37 GMT", NOW)).toBe(MAX_RETRY_AFTER_MILLIS);
  });

  it("reads two-digit years at most 50 years ahead", () => {
    const now = Date.UTC(2026, 0, 1);
    expect(parseRetryAfter("Thursday, 01-Jan-26 00:00:10 GMT", now)).toBe(10_000);
    expect(parseRetryAfter("Wednesday, 01-Jan-76 00:00:00 GMT", now)).toBe(MAX_RETRY_AFTER_MILLIS);
    expect(parseRetryAfter("Saturday, 01-Jan-77 00:00:00 GMT", now)).toBe(0);
  });

  it.each([
    undefined,
    "",
    "soon",
    "1.5",
    "1e3",
    "+5",
    "0x10",
    "10 s",
    "120, 130",
    "1994-11-06T08:49:37Z",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 CET",
    "Sun, 31 Feb 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:49:37 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT and more",
  ])("does not read %j", (value) => {
    expect(parseRetryAfter(value, NOW)).toBeUndefined();
  });

  it("reads back every date that toUTCString writes", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 86_399 }),
        fc.integer({ min: 0, max: 4e9 }),
        (seconds, nowSeconds) => {
          const value = new Date((nowSeconds + seconds) * 1000).toUTCString();
          expect(parseRetryAfter(value, nowSeconds * 1000)).toBe(seconds * 1000);
        },
      ),
    );
  });

  it("is always undefined or between 0 and 24 hours", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const millis = parseRetryAfter(value, NOW) ?? 0;
        expect(millis).toBeGreaterThanOrEqual(0);
        expect(millis).toBeLessThanOrEqual(MAX_RETRY_AFTER_MILLIS);
      }),
    );
  });
});
