import { describe, expect, it } from "vitest";
import { RateLimit } from "../../../shared/access/rateLimit.ts";

const NOW = 1_700_000_000_000;

describe("RateLimit", () => {
  it("lets twice the rate through at once, and then says when the next request may come", () => {
    const limit = new RateLimit();
    expect(Array.from({ length: 21 }, () => limit.take("a", 10, NOW))).toEqual([
      ...Array.from({ length: 20 }, () => 0),
      100,
    ]);
    expect(limit.take("a", 10, NOW + 99)).toBe(1);
    expect(limit.take("a", 10, NOW + 100)).toBe(0);
    expect(limit.take("a", 10, NOW + 100)).toBe(100);
  });

  it("lets the rate through for as long as it goes on", () => {
    const limit = new RateLimit();
    let passed = 0;
    for (let millis = 0; millis < 60_000; millis += 10)
      if (limit.take("a", 5, NOW + millis) === 0) passed += 1;
    expect(passed).toBe(10 + 5 * 60 - 1);
  });

  it("fills again while the caller is quiet, up to twice the rate", () => {
    const limit = new RateLimit();
    while (limit.take("a", 3, NOW) === 0);
    const passed = Array.from({ length: 20 }, () => limit.take("a", 3, NOW + 3_600_000));
    expect(passed.filter((wait) => wait === 0)).toHaveLength(6);
  });

  it("counts each caller for itself", () => {
    const limit = new RateLimit();
    while (limit.take("a", 1, NOW) === 0);
    expect(limit.take("b", 1, NOW)).toBe(0);
  });

  it("adds nothing when the clock is set back, and goes on from there", () => {
    const limit = new RateLimit();
    while (limit.take("a", 1, NOW) === 0);
    expect(limit.take("a", 1, NOW - 3_600_000)).toBe(1000);
    expect(limit.take("a", 1, NOW - 3_600_000 + 1000)).toBe(0);
  });
});
