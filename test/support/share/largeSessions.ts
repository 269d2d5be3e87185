import fc from "fast-check";
import type { NewSession } from "../../../client/index.ts";
import { FEED, hardText, largeInput, settled, withSessions } from "./largeInput.ts";

/** An endpoint that nobody serves: only what the relay does before the request counts. */
const URL_OF_NOBODY = "http://127.0.0.1:9/";

const pattern = fc.oneof(
  fc.constantFrom(
    "([a-j]{1,2}[b-k]?[a-i]){0,300}[K-Z]",
    "(.*a.{0,200}b.{0,200}c.{0,200}d.{0,200}e.{0,200}K)",
    "(\\pL{1,60}[a-k])+K",
    "(a?){200}(a){200}K",
    "((((a*)*)*)*)*K",
    "^(([a-k])+.)+K$",
    "(?i)(\\pL|\\pN|\\w){1,60}K",
  ),
  fc
    .record({ letter: fc.constantFrom(..."abcdefghijk"), gap: fc.integer({ min: 1, max: 60 }) })
    .map(({ letter, gap }) => `${letter}.{${gap}}[a-k]K`),
);

const eventFilter = fc
  .record({
    pattern,
    form: fc.constantFrom(
      "",
      "!",
      "header(X),method(regex)=",
      "eventfilter(action(exclude),method(regex)) = ",
    ),
  })
  .map(({ pattern: text, form }) => `${form}${text}`);

const filter = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ eventFilters: fc.array(eventFilter, { minLength: 1, maxLength: 100 }) }),
  },
  fc.integer({ min: 1, max: 100 }).map((count) => ({ types: names(count) })),
  fc.integer({ min: 1, max: 100 }).map((count) => ({ events: names(count) })),
);

/** As long as they may be. */
function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index}`.padEnd(128, "x"));
}

/** Many sessions on few or many feeds, with filters that are alike or distinct, and events that are hard to judge. */
export const largeSessions = fc
  .record({
    filter,
    sessions: fc.integer({ min: 1, max: 60 }),
    feeds: fc.integer({ min: 1, max: 20 }),
    isDistinct: fc.boolean(),
    maxBatch: fc.constantFrom(1, 100, 1000),
    urlLength: fc.constantFrom(0, 1900),
    events: fc.integer({ min: 1, max: 200 }),
    characters: fc.constantFrom(10, 1000, 8000, 30_000),
  })
  .map((facts) =>
    largeInput("sessions", facts, () => {
      const { sessions, feeds, isDistinct, maxBatch, urlLength } = facts;
      const feedOf = (n: number) => `${FEED}-${n % feeds}`.padEnd(64, "x");
      const wanted = Array.from({ length: sessions }, (_, n): NewSession => {
        const { eventFilters } = facts.filter as { eventFilters?: string[] };
        const own =
          isDistinct && eventFilters
            ? { eventFilters: [...eventFilters.slice(0, 99), `Y${n}.`] }
            : facts.filter;
        const url = URL_OF_NOBODY + "x".repeat(urlLength);
        return { feed: feedOf(n), url, format: "ami", maxBatch, filter: own };
      });
      const count = Math.min(facts.events, Math.floor(900_000 / (facts.characters + 100)));
      const events = Array.from({ length: count }, (_, n) => ({
        type: "ChannelVarset",
        variable: "X",
        value: hardText(facts.characters, n),
      }));
      return (relay) =>
        withSessions(relay, wanted, () =>
          settled(Array.from({ length: feeds }, (_, n) => relay.append(feedOf(n), events))),
        );
    }),
  );
