import { describe, expect, it } from "vitest";
import { itemBytes } from "../../../tools/bench/itemBytes.ts";
import { measurement } from "../../../tools/cost/measured.ts";

describe("the size of an item", () => {
  it.each<[string, Record<string, unknown>, number]>([
    ["of a string is its name plus its bytes", { pk: "page#pbx#0", ä: "ü" }, 2 + 10 + 2 + 2],
    ["of a number is a byte per two digits plus one", { n: 12345, m: -7 }, 1 + 4 + 1 + 2],
    ["of binary data is its length", { body: new Uint8Array(1000) }, 4 + 1000],
    ["of a list is three bytes plus one per element", { names: ["Dial", "Hangup"] }, 5 + 3 + 5 + 7],
    ["of a map is that of a list plus its names", { run: { id: "p" } }, 3 + 3 + 1 + 2 + 1],
    ["of null and booleans is one byte, and of undefined none", { a: true, b: null, c: undefined }, 4],
  ])("%s", (_what, item, bytes) => expect(itemBytes(item)).toBe(bytes));

  it("matches the database's bill: one write unit per started kilobyte of a page, two for 500 events", () => {
    for (const { itemBytes: bytes, writeUnits } of measurement.pages) {
      expect(writeUnits).toBeGreaterThanOrEqual(bytes / 1024);
      expect(writeUnits).toBeLessThanOrEqual(bytes / 1024 + 2);
    }
  });
});
