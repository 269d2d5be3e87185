import { describe, expect, it } from "vitest";
import { rate, relative, seconds } from "../../console/browser/format.ts";
import { Rates } from "../../console/browser/rates.ts";
import { receiverCode } from "../../console/browser/receiverCode.ts";

const NOW = Date.parse("2026-11-23T08:00:00Z");

it.each([
  [0, "0 s"],
  [0.004, "4 ms"],
  [1.25, "1.3 s"],
  [61, "61 s"],
  [600, "10 min"],
  [7_300, "2 h"],
  [400_000, "5 days"],
])("%s seconds read as %s", (value, text) => {
  expect(seconds(value)).toBe(text);
});

it.each([
  ["2026-11-23T07:59:48Z", "12 s ago"],
  ["2026-11-23T08:00:30Z", "in 30 s"],
  ["2026-11-23T08:00:00.500Z", "now"],
])("%s is %s", (time, text) => {
  expect(relative(time, NOW)).toBe(text);
});

it.each([
  [0, "0/s"],
  [2.25, "2.3/s"],
  [1_234.5, "1,235/s"],
])("a rate of %s reads as %s", (value, text) => {
  expect(rate(value)).toBe(text);
});

describe("the rate of a feed", () => {
  it("needs two samples, and looks back ten seconds", () => {
    const rates = new Rates();
    rates.note("pbx", 0, NOW);
    expect(rates.perSecond("pbx")).toBeUndefined();
    rates.note("pbx", 1_000, NOW + 10_000);
    rates.note("pbx", 1_020, NOW + 20_000);
    expect(rates.perSecond("pbx")).toBe(2);
    expect(rates.series("pbx")).toEqual([100, 2]);
  });

  it("is never negative, whatever a clock or a feed that begins anew does", () => {
    const rates = new Rates();
    rates.note("pbx", 500, NOW);
    rates.note("pbx", 3, NOW + 1_000);
    expect(rates.perSecond("pbx")).toBe(0);
  });
});

it("a quote in a URL does not end the text that a shell reads", () => {
  const session = { id: "ses_1", feed: "pbx", url: "http://a/'; rm -rf ~ '$&", secret: "whsec_$&" };
  const code = receiverCode("curl", session);
  expect(code).toContain("curl -i 'http://a/%27; rm -rf ~ %27$&'");
  expect(code).toContain("SECRET='whsec_$&'");
});
