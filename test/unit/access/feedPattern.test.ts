import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FEED_PATTERN, matchesFeed } from "../../../shared/access/feedPattern.ts";

describe("matchesFeed", () => {
  it.each<[pattern: string, feed: string, matches: boolean]>([
    ["pbx-1", "pbx-1", true],
    ["pbx-1", "pbx-10", false],
    ["pbx-1", "PBX-1", false],
    ["pbx.1", "pbx-1", false],
    ["*", "pbx-1", true],
    ["pbx-*", "pbx-1", true],
    ["pbx-*", "pbx-", true],
    ["pbx-*", "other-1", false],
    ["*-1", "pbx-1", true],
    ["*-1", "pbx-11", false],
    ["acme-*-eu", "acme-pbx-1-eu", true],
    ["acme-*-eu", "acme-eu", false],
    ["a*b*c", "aXbYc", true],
    ["a*b*c", "abbcbc", true],
    ["a*b*c", "acb", false],
    ["**", "pbx", true],
    ["pbx**", "pbx", true],
  ])("of %s with %s is %s", (pattern, feed, matches) => {
    expect(matchesFeed([pattern], feed)).toBe(matches);
  });

  it("needs one of the patterns", () => {
    expect(matchesFeed(["a", "b*"], "b1")).toBe(true);
    expect(matchesFeed(["a", "b*"], "c")).toBe(false);
    expect(matchesFeed([], "c")).toBe(false);
  });

  it("matches a text that is no feed's name with * alone", () => {
    for (const text of ["-pbx", "a b", "", "a/b"]) {
      expect(matchesFeed(["*"], text)).toBe(true);
      expect(matchesFeed(["**", "a*", "-*"], text)).toBe(false);
    }
  });

  it("agrees with a regular expression on all patterns", () => {
    const text = (letters: string) =>
      fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 12 }).map((each) => each.join(""));
    fc.assert(
      fc.property(text("ab*"), text("ab"), (pattern, feed) => {
        expect(matchesFeed([pattern], feed)).toBe(
          new RegExp(`^${pattern.replaceAll(/\*+/g, ".*")}$`).test(feed),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes no longer for stars that could match in many ways", () => {
    const started = performance.now();
    for (let round = 0; round < 1_000; round += 1)
      expect(matchesFeed([`${"a*".repeat(31)}b`], "a".repeat(64))).toBe(false);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe("a pattern", () => {
  it("has the characters of feed names and stars, 64 at most", () => {
    for (const pattern of ["*", "pbx-1", "a.b_c-*", "x".repeat(64)])
      expect(FEED_PATTERN.test(pattern)).toBe(true);
    for (const pattern of ["", "a b", "a/b", "[a]", "ä", "x".repeat(65), "a\n"])
      expect(FEED_PATTERN.test(pattern)).toBe(false);
  });
});
