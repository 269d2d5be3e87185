import { describe, expect, it } from "vitest";
import { VARIANTS } from "../races.ts";
import { checkScenario } from "./protocol.ts";
import { variantOf } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

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

describe("each of these races is found when it is opened", () => {
  it.each(VARIANTS)(
    "$name",
    (variant) => {
      const { counterexample } = checkScenario(variantOf(variant));
      expect(counterexample?.problem).toMatch(variant.breaks);
      expect(counterexample?.trace.length).toBeGreaterThan(3);
    },
    120_000,
  );
});
