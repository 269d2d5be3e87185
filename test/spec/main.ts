import { Command } from "commander";
import { checkScenario } from "./protocol.ts";
import type { Variant } from "./scenario.ts";
import { SCENARIOS, VARIANTS, variantOf } from "./scenarios.ts";

/** `npm run spec`: every scenario, then every wrong variant with the shortest way to what it breaks. */
new Command("spec")
  .description(
    "Checks the protocol in every order of its steps, then each wrong variant of it (docs/testing.md)",
  )
  .parse();
let failed = false;

console.log("The protocol, in every order of its steps:\n");
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  const { states, steps, depth, millis, counterexample } = checkScenario(scenario);
  const seconds = (millis / 1000).toFixed(1);
  console.log(`${counterexample ? "WRONG" : "holds"}  ${name}`);
  console.log(`       ${states} states, ${steps} steps, ${depth} deep, ${seconds} s`);
  if (counterexample) print(counterexample);
  failed ||= counterexample !== undefined;
}

console.log("\nSmall changes of it, each of which must show:\n");
for (const variant of Object.keys(VARIANTS) as Variant[]) {
  const { states, counterexample } = checkScenario(variantOf(variant));
  console.log(`${counterexample ? "found" : "MISSED"}  ${variant} (${states} states)`);
  if (counterexample) print(counterexample);
  failed ||= counterexample === undefined;
}

process.exitCode = failed ? 1 : 0;

function print({ problem, trace }: { problem: string; trace: readonly string[] }): void {
  for (const [index, step] of trace.entries()) console.log(`       ${index + 1}. ${step}`);
  console.log(`       => ${problem}\n`);
}
