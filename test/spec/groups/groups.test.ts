import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { mutate } from "../../mutants/mutant.ts";
import { checkGroups } from "./model.ts";
import { GROUP_MUTANTS } from "./mutants.ts";
import { GROUP_SCENARIOS } from "./scenarios.ts";
import { GROUP_VARIANTS, groupVariantOf } from "./variants.ts";

describe("cursor groups, in every order of their steps", () => {
  it.each(Object.entries(GROUP_SCENARIOS))(
    "hold: %s",
    (_name, scenario) => {
      const { counterexample, states } = checkGroups(scenario);
      expect(counterexample).toBeUndefined();
      expect(states).toBeGreaterThan(200);
    },
    180_000,
  );
});

describe("each wrong variant of cursor groups is found", () => {
  it.each(GROUP_VARIANTS)(
    "$name",
    (variant) => {
      const { counterexample } = checkGroups(groupVariantOf(variant));
      expect(counterexample?.problem).toMatch(variant.breaks);
      expect(counterexample?.trace.length).toBeGreaterThan(3);
    },
    180_000,
  );

  it("and the list names those of the model's rules, each with its harm in a sentence", () => {
    const named = globSync("*.ts", { cwd: import.meta.dirname }).flatMap((file) => {
      const source = readFileSync(`${import.meta.dirname}/${file}`, "utf8");
      return [...source.matchAll(/variant [!=]==\s+"([^"]+)"/g)].map(([, name]) => name);
    });
    expect(GROUP_VARIANTS.map(({ name }) => name).sort()).toEqual([...new Set(named)].sort());
    for (const { harm } of GROUP_VARIANTS) expect(harm).toMatch(/^[A-Z].{30,}\.$/);
  });

  it.each(GROUP_MUTANTS)("and the code has its mutant: $name", (mutant) => {
    const root = `${import.meta.dirname}/../../..`;
    const source = readFileSync(`${root}/${mutant.file}`, "utf8");
    expect(mutate(source, mutant)).not.toBe(source);
    const [title] = mutant.test.title.split(":");
    expect(readFileSync(`${root}/${mutant.test.file}`, "utf8")).toContain(title);
  });
});
