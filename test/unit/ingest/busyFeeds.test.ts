import { describe, expect, it } from "vitest";
import { BusyFeeds } from "../../../functions/ingest/busyFeeds.ts";
import { ManualClock } from "../../support/manualClock.ts";

function started() {
  const clock = new ManualClock();
  const feeds = new BusyFeeds(clock);
  /** What each of `count` requests may wait, one every `everyMillis`, when nothing comes of a wait. */
  const waitsInVain = (count: number, everyMillis = 2) =>
    Array.from({ length: count }, () => {
      clock.pass(everyMillis);
      const millis = feeds.came("a");
      if (millis > 0) feeds.waited("a", true);
      return millis;
    });
  return { clock, feeds, waitsInVain };
}

describe("BusyFeeds", () => {
  it("lets a request wait that comes soon after another one of its feed", () => {
    const { clock, feeds } = started();
    expect(feeds.came("a")).toBe(0);
    clock.pass(5);
    expect(feeds.came("b")).toBe(0);
    expect(feeds.came("a")).toBe(8);
    clock.pass(7);
    expect(feeds.came("a")).toBe(8);
    clock.pass(8);
    expect(feeds.came("a")).toBe(0);
  });

  it("lets ever fewer wait where nothing comes of it", () => {
    const { waitsInVain } = started();
    const tries = waitsInVain(1_100).flatMap((millis, index) => (millis > 0 ? [index] : []));
    expect(tries).toEqual([1, 3, 6, 11, 20, 37, 70, 135, 264, 521, 778, 1035]);
  });

  it("lets every one wait again once a second one has come", () => {
    const { feeds, waitsInVain } = started();
    waitsInVain(7);
    feeds.waited("a", false);
    expect(waitsInVain(1)).toEqual([8]);
  });
});
