import { FEED_NAME } from "../queue/sequence.ts";

/** A feed's name in which `*` stands for any characters, also for none. */
export const FEED_PATTERN = /^[A-Za-z0-9._*-]{1,64}$/;

/** The pattern that every feed matches. */
export const ALL_FEEDS = "*";

/** Whether one of the patterns matches the feed. A text that is no feed's name matches only `*`. */
export function matchesFeed(patterns: readonly string[], feed: string): boolean {
  return patterns.some(
    (pattern) => pattern === ALL_FEEDS || (FEED_NAME.test(feed) && matches(pattern, feed)),
  );
}

/**
 * Matches from left to right and remembers only the last star. A star that comes later can take over everything that an
 * earlier one could, so there is no other way to try, and no pattern takes longer than pattern times name.
 */
function matches(pattern: string, name: string): boolean {
  let inPattern = 0;
  let inName = 0;
  let star = -1;
  let nameAtStar = 0;
  while (inName < name.length) {
    if (pattern[inPattern] === "*") {
      star = inPattern;
      nameAtStar = inName;
      inPattern += 1;
    } else if (pattern[inPattern] === name[inName]) {
      inPattern += 1;
      inName += 1;
    } else if (star >= 0) {
      nameAtStar += 1;
      inName = nameAtStar;
      inPattern = star + 1;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(inPattern));
}
