import { describe, expect, it } from "vitest";
import { TimeSlices } from "../../../shared/runtime/timeSlices.ts";

/** Slices on a clock that only the work and the rests move. A rest lasts as long as the slice before it. */
function slicesOf(patienceMillis = 1_000_000) {
  let now = 0;
  const trace: string[] = [];
  const slices = new TimeSlices({
    cpuMillis: () => now,
    clock: { nowEpochMillis: () => now },
    rest: async (spentMillis) => {
      trace.push("rest");
      await Promise.resolve();
      now += spentMillis;
    },
    patienceMillis,
  });
  /** Work of some steps, each of which takes as long. */
  const run = (owner: string, steps: number, millis: number) => {
    let left = steps;
    return slices.run(owner, () => {
      now += millis;
      trace.push(owner);
      left -= 1;
      return left === 0;
    });
  };
  return { slices, run, trace };
}

describe("work in slices", () => {
  it("is done at once while it is short", async () => {
    const { run, trace } = slicesOf();
    const running = run("a", 4, 1);
    expect(trace).toEqual(["a", "a", "a", "a"]);
    expect(await running).toBe(true);
  });

  it("rests after each slice, and after a step that is longer than one", async () => {
    const { run, trace } = slicesOf();
    expect(await run("a", 2, 5)).toBe(true);
    expect(await run("b", 2, 80)).toBe(true);
    expect(trace.join(" ")).toBe("a rest a rest b rest b rest");
  });

  it("lets owners take turns, and ends what an owner began before the owner's next", async () => {
    const { run, trace } = slicesOf();
    await Promise.all([run("a", 2, 5), run("a", 1, 5), run("b", 2, 5)]);
    expect(trace.filter((each) => each !== "rest").join(" ")).toBe("a a b a b");
  });

  it("is given up when it waits for too long, and then no longer waits", async () => {
    const { slices, run, trace } = slicesOf(20);
    const results = await Promise.all([run("a", 1, 50), run("a", 1, 1), run("b", 1, 1)]);
    expect(results).toEqual([true, false, false]);
    expect(trace.filter((each) => each !== "rest")).toEqual(["a"]);
    expect(slices.isBusy).toBe(false);
  });

  it("that throws fails alone", async () => {
    const { slices, run } = slicesOf();
    const failing = slices.run("a", () => {
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await run("a", 1, 1)).toBe(true);
  });
});
