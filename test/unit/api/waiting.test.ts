import { describe, expect, it } from "vitest";
import { Waiting } from "../../../functions/api/waiting.ts";
import { ManualClock } from "../../support/manualClock.ts";

/** A clock on which every pause is over at once. */
function leapingClock() {
  const pauses: number[] = [];
  let nowEpochMillis = 1_000_000;
  return {
    pauses,
    nowEpochMillis: () => nowEpochMillis,
    sleep: async (millis: number) => {
      pauses.push(millis);
      nowEpochMillis += millis;
    },
    setBack: (millis: number) => {
      nowEpochMillis -= millis;
    },
  };
}

const never = new AbortController().signal;

describe("a long poll", () => {
  it("is answered at once when there is something", async () => {
    const clock = leapingClock();
    expect(await new Waiting(clock, never).until(20_000, async () => "here")).toBe("here");
    expect(clock.pauses).toEqual([]);
  });

  it("asks again after pauses that double up to a second, and once at the end of its time", async () => {
    const clock = leapingClock();
    let asked = 0;
    const ask = async () => {
      asked += 1;
      return undefined;
    };
    expect(await new Waiting(clock, never).until(5_000, ask)).toBeUndefined();
    expect(clock.pauses).toEqual([50, 100, 200, 400, 800, 1000, 1000, 1000, 450]);
    expect(asked).toBe(10);
  });

  it("ends as soon as there is something", async () => {
    const clock = leapingClock();
    let asked = 0;
    const ask = async () => (++asked === 4 ? "late" : undefined);
    expect(await new Waiting(clock, never).until(20_000, ask)).toBe("late");
    expect(clock.pauses).toEqual([50, 100, 200]);
  });

  it("ends when the clock is set back", async () => {
    const clock = leapingClock();
    const ask = async () => {
      clock.setBack(3_600_000);
      return undefined;
    };
    expect(await new Waiting(clock, never).until(20_000, ask)).toBeUndefined();
    expect(clock.pauses).toEqual([]);
  });

  it("is refused beside a hundred others; a stopping process answers them all at once", async () => {
    const stopping = new AbortController();
    const waiting = new Waiting(new ManualClock(), stopping.signal);
    const nothing = async () => undefined;
    const all = Array.from({ length: 100 }, () => waiting.until(20_000, nothing));
    // Each asks once before it counts.
    await new Promise((resolve) => setImmediate(resolve));
    await expect(waiting.until(20_000, nothing)).rejects.toMatchObject({
      problem: { status: 429, code: "relay.too-many-waiting" },
      retryAfterSeconds: 1,
    });
    expect(await waiting.until(0, nothing)).toBeUndefined();
    stopping.abort();
    expect(await Promise.all(all)).toEqual(Array.from({ length: 100 }, () => undefined));
    expect(await waiting.until(20_000, nothing)).toBeUndefined();
  });
});
