import { join } from "node:path";
import { Command } from "commander";
import { onReaderGone } from "../../cli/terminal/reader.ts";
import { MUTANTS } from "../races.ts";
import { GROUP_MUTANTS } from "../spec/groups/mutants.ts";
import { ProjectCopy } from "./copy.ts";
import { type Result, runMutants } from "./run.ts";
import { runTests } from "./vitest.ts";

/** Each in a copy of the project of its own. Most of a mutant's time is the start of vitest. */
const SIDE_BY_SIDE = 2;

/** `npm run mutants`: prints a line per mutant. The exit code is 1 if a mutant survives or proves nothing. */
const [wanted = ""] = new Command("mutants")
  .description(
    "Makes one wrong change of the code at a time, and runs the tests that must catch it (docs/testing.md)",
  )
  .argument("[part]", "part of a name: runs only the mutants whose names contain it")
  .parse().args;
const mutants = [...MUTANTS, ...GROUP_MUTANTS].filter(({ name }) => name.includes(wanted));
const copies = new AsyncDisposableStack();
onReaderGone(() => void copies.disposeAsync().finally(() => process.exit()));

console.log("mutant | caught by | seconds");
let bad = 0;
/** Shared by the workers: each takes the mutants of the next test. */
const byTest = Map.groupBy(mutants, ({ test }) => `${test.file} ${test.title}`).values();

async function work(): Promise<void> {
  const copy = copies.use(await ProjectCopy.of(join(import.meta.dirname, "../..")));
  for (const some of byTest)
    for await (const { mutant, judgement, seconds } of runMutants(copy.root, some, runTests)) {
      if (judgement.kind !== "caught") bad += 1;
      console.log(`${mutant.name} | ${textOf(judgement)} | ${seconds.toFixed(1)}`);
    }
}
try {
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
} finally {
  await copies.disposeAsync();
}
console.log(`${mutants.length - bad} of ${mutants.length} caught`);
process.exitCode = bad > 0 || mutants.length === 0 ? 1 : 0;

function textOf(judgement: Result["judgement"]): string {
  switch (judgement.kind) {
    case "caught":
      return judgement.by;
    case "survived":
      return "SURVIVED";
    case "broken":
      return `PROVES NOTHING: ${judgement.why}`;
  }
}
