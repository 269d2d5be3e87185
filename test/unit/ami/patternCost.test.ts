import { RE2JS } from "re2js";
import { expect, it } from "vitest";
import { patternCost } from "../../../shared/ami/patternCost.ts";

it.each([
  ["abc", 3],
  ["a.[b-z]\\d", 4],
  ["a{3}", 6],
  ["a{2,}", 6],
  ["(ab){1,10}", 50],
  ["([a-j]{1,2}[b-k]?[a-i]){0,300}[K-Z]", 3001],
])("the cost of %s is %i", (pattern, cost) => {
  expect(patternCost(pattern)).toBe(cost);
});

it.each([
  "Event: (Dial|Hangup).*Channel: PJSIP/(1[0-9]{3}|2[0-9]{3})",
  "(a{0,100}b?){0,10}",
  "(?i)event: [[:alpha:]]+{1}",
  "(x{30}y{0,30}){0,30}",
  "(?:a|b|(?:c{10}|d)*){0,90}",
  "a**",
  "[]a]{900}[^]b]{1,900}",
])("the cost of %s is no less than half of its program", (pattern) => {
  let size = 0;
  try {
    size = RE2JS.compile(pattern).programSize();
  } catch {
    return;
  }
  expect(2 * patternCost(pattern) + 10).toBeGreaterThanOrEqual(size);
});
