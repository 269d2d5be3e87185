import { Command } from "commander";
import { onReaderGone } from "../../cli/terminal/reader.ts";
import { VARIANTS } from "../races.ts";
import type { Verdict } from "./checker.ts";
import { checkGroups } from "./groups/model.ts";
import { GROUP_SCENARIOS } from "./groups/scenarios.ts";
import { GROUP_VARIANTS, groupVariantOf } from "./groups/variants.ts";
import { checkScenario } from "./protocol.ts";
import { variantOf } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

/** `npm run spec`: checks every scenario, then every wrong variant, with a shortest path to each failure. */
onReaderGone();
new Command("spec")
  .description(
    "Checks the protocol and that of cursor groups in every order of their steps, then each wrong variant (docs/testing.md)",
  )
  .parse();
const protocol = Object.entries(SCENARIOS);
const groups = Object.entries(GROUP_SCENARIOS);

console.log("The protocol, in every order of its steps:\n");
const holding = countHolding(protocol.map(([name, scenario]) => [name, () => checkScenario(scenario)]));
console.log("\nEach race, reopened, with a shortest path to the failure:\n");
const found = countFound(VARIANTS.map((each) => [each, () => checkScenario(variantOf(each))]));

console.log("\nCursor groups (docs/decisions/0017-cursor-groups.md), in every order of their steps:\n");
const groupsHolding = countHolding(groups.map(([name, scenario]) => [name, () => checkGroups(scenario)]));
console.log("\nEach wrong variant of cursor groups, with a shortest path to the failure:\n");
const groupsFound = countFound(GROUP_VARIANTS.map((each) => [each, () => checkGroups(groupVariantOf(each))]));

const isAll = [
  report("The protocol", { holding, of: protocol.length, found, variants: VARIANTS.length }),
  report("Cursor groups", {
    holding: groupsHolding,
    of: groups.length,
    found: groupsFound,
    variants: GROUP_VARIANTS.length,
  }),
].every(Boolean);
process.exitCode = isAll ? 0 : 1;

function countHolding(scenarios: readonly (readonly [name: string, check: () => Verdict])[]): number {
  let count = 0;
  for (const [name, check] of scenarios) {
    const { states, steps, depth, millis, counterexample } = check();
    const seconds = (millis / 1000).toFixed(1);
    console.log(`${counterexample ? "WRONG" : "holds"}  ${name}`);
    console.log(`       ${states} states, ${steps} steps, ${depth} deep, ${seconds} s`);
    if (counterexample) print(counterexample);
    else count += 1;
  }
  return count;
}

function countFound(
  variants: readonly (readonly [variant: { name: string; breaks: RegExp }, check: () => Verdict])[],
): number {
  let count = 0;
  for (const [{ name, breaks }, check] of variants) {
    const { states, counterexample } = check();
    console.log(`${counterexample ? "found" : "MISSED"}  ${name} (${states} states)`);
    if (counterexample) print(counterexample);
    if (counterexample && breaks.test(counterexample.problem)) count += 1;
  }
  return count;
}

function report(
  what: string,
  { holding, of, found, variants }: Readonly<Record<"holding" | "of" | "found" | "variants", number>>,
): boolean {
  console.log(
    `${what}: ${holding} of ${of} scenarios hold; ${found} of ${variants} wrong variants are found`,
  );
  return holding === of && found === variants;
}

function print({ problem, trace }: NonNullable<Verdict["counterexample"]>): void {
  for (const [index, step] of trace.entries()) console.log(`       ${index + 1}. ${step}`);
  console.log(`       => ${problem}\n`);
}
