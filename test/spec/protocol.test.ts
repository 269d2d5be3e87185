import { describe, expect, it } from "vitest";
import { checkScenario } from "./protocol.ts";
import type { Variant } from "./scenario.ts";
import { SCENARIOS, VARIANTS, variantOf } from "./scenarios.ts";

describe("the protocol, in every order of its steps", () => {
  it.each(Object.entries(SCENARIOS))(
    "holds: %s",
    (_name, scenario) => {
      const { counterexample, states } = checkScenario(scenario);
      expect(counterexample).toBeUndefined();
      expect(states).toBeGreaterThan(200);
    },
    120_000,
  );
});

/** What each small change breaks, in the words of the counterexample. */
const BREAKS: Readonly<Record<Variant, RegExp>> = {
  "mark before wake": /nothing more can happen/,
  "mark without fence": /nothing more can happen/,
  "park without second read": /nothing more can happen/,
  "notify with stale reads": /nothing more can happen/,
  "append without recognising its own page": /an event is appended twice/,
  "search of the tail without a second look at the head": /a number is given twice/,
  "delete pages in any order": /a number is given twice/,
  "free without grace": /a number is given twice/,
  "grace of one append only": /a number is given twice/,
  "free with the counts checked before the transaction": /on freed ground/,
  "count moved outside the transaction": /references of/,
  "cursor advanced before the endpoint accepted": /and has received/,
  "take over without naming the lease": /moved back/,
  "write without naming the segment": /references of/,
  "subscribe without a check of the head": /on freed ground/,
  "lease never expires": /no good end can be reached/,
  "sweep off while hints are lost": /nothing more can happen/,
};

describe("each of these small changes is found", () => {
  it.each(Object.keys(VARIANTS) as Variant[])(
    "%s",
    (variant) => {
      const { counterexample } = checkScenario(variantOf(variant));
      expect(counterexample?.problem).toMatch(BREAKS[variant]);
      expect(counterexample?.trace.length).toBeGreaterThan(3);
    },
    120_000,
  );
});
