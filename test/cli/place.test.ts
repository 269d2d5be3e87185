import { describe, expect, it } from "vitest";
import { readPlace } from "../../cli/place.ts";

const NOW = new Date(2026, 10, 27, 12, 0, 0).getTime();
const at = (...parts: [number, number, number, number?, number?, number?]) => ({
  time: new Date(...parts).toISOString(),
});

describe("a place in a feed", () => {
  it.each([
    ["head", "head"],
    ["tail", "tail"],
    ["42", 42],
    ["5m", at(2026, 10, 27, 11, 55)],
    ["90s", at(2026, 10, 27, 11, 58, 30)],
    ["1.5h", at(2026, 10, 27, 10, 30)],
    ["2d", at(2026, 10, 25, 12, 0)],
    ["08:30", at(2026, 10, 27, 8, 30)],
    ["23:15:20", at(2026, 10, 26, 23, 15, 20)],
    ["2026-11-20", at(2026, 10, 20)],
    ["2026-11-20 07:00", at(2026, 10, 20, 7)],
    ["2026-11-20T07:00:00Z", { time: "2026-11-20T07:00:00.000Z" }],
  ])("%s is %j", (text, place) => {
    expect(readPlace(text, NOW)).toEqual(place);
  });

  it.each(["", "0", "-1", "yesterday", "5 m", "25:00", "12:60", "2026-13-01", "9".repeat(17), "99999999d"])(
    "%j is none",
    (text) => {
      expect(readPlace(text, NOW)).toBeUndefined();
    },
  );
});
