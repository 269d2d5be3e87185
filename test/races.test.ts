import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mutate } from "./mutants/mutant.ts";
import { RACES, type Race } from "./races.ts";

const root = join(import.meta.dirname, "..");
const races: readonly Race[] = RACES;

/** The wrong variants named in the model's rules. */
const variantsOfModel = new Set(
  globSync("test/spec/*.ts", { cwd: root }).flatMap((file) => {
    const source = readFileSync(join(root, file), "utf8");
    return [...source.matchAll(/(?:variant|name) [!=]==\s+"([^"]+)"/g)].map(([, name]) => name);
  }),
);

describe("the list of races", () => {
  it("names each race once, and describes the harm in a sentence", () => {
    expect(new Set(races.map(({ name }) => name)).size).toBe(races.length);
    for (const { harm } of races) expect(harm).toMatch(/^[A-Z].{30,}\.$/);
  });

  it("has each wrong variant of the model once, and no others", () => {
    const modelled = races.filter(({ model }) => "scenario" in model).map(({ name }) => name);
    expect(modelled.sort()).toEqual([...variantsOfModel].sort());
    expect(modelled.length).toBeGreaterThanOrEqual(17);
  });

  it("has a mutant for every race, or a reason for having none", () => {
    for (const { model, mutant } of races)
      for (const part of [model, mutant]) if ("none" in part) expect(part.none).toMatch(/^[A-Z].{30,}\.$/);
    expect(races.filter(({ mutant }) => "file" in mutant).length).toBeGreaterThanOrEqual(17);
  });

  it.each(races)("matches the code: $name", ({ name, mutant, test }) => {
    if ("file" in mutant) {
      const source = readFileSync(join(root, mutant.file), "utf8");
      expect(mutate(source, { ...mutant, name, test })).not.toBe(source);
    }
    expect(existsSync(join(root, test.file))).toBe(true);
  });
});
