import { Command } from "commander";
import { onReaderGone } from "../../cli/terminal/reader.ts";
import { VARIANTS } from "../races.ts";
import { checkScenario } from "./protocol.ts";
import { variantOf } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

/** `npm run spec`: checks every scenario, then every wrong variant, with a shortest path to each failure. */
onReaderGone();
new Command("spec")
  .description(
    "Checks the protocol in every order of its steps, then each wrong variant of it (docs/testing.md)",
  )
  .parse();
const scenarios = Object.entries(SCENARIOS);
let holding = 0;

console.log("The protocol, in every order of its steps:\n");
for (const [name, scenario] of scenarios) {
  const { states, steps, depth, millis, counterexample } = checkScenario(scenario);
  const seconds = (millis / 1000).toFixed(1);
  console.log(`${counterexample ? "WRONG" : "holds"}  ${name}`);
  console.log(`       ${states} states, ${steps} steps, ${depth} deep, ${seconds} s`);
  if (counterexample) print(counterexample);
  else holding += 1;
}

let found = 0;
console.log("\nEach race, reopened, with a shortest path to the failure:\n");
for (const variant of VARIANTS) {
  const { states, counterexample } = checkScenario(variantOf(variant));
  console.log(`${counterexample ? "found" : "MISSED"}  ${variant.name} (${states} states)`);
  if (counterexample) print(counterexample);
  if (counterexample && variant.breaks.test(counterexample.problem)) found += 1;
}

console.log(
  `${holding} of ${scenarios.length} scenarios hold; ${found} of ${VARIANTS.length} wrong variants are found`,
);
process.exitCode = holding < scenarios.length || found < VARIANTS.length ? 1 : 0;

function print({ problem, trace }: { problem: string; trace: readonly string[] }): void {
  for (const [index, step] of trace.entries()) console.log(`       ${index + 1}. ${step}`);
  console.log(`       => ${problem}\n`);
}
