import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { baselineProblem, type Judgement, judge } from "./judge.ts";
import { type Mutant, mutate } from "./mutant.ts";
import type { TestRun } from "./vitest.ts";

export interface Result {
  readonly mutant: Mutant;
  readonly judgement: Judgement;
  readonly seconds: number;
}

export type RunTests = (root: string, file: string, title: string) => Promise<TestRun>;

/**
 * Applies one mutant at a time to the project copy at `root` and runs the test that must catch it. The same test must
 * first pass on the unchanged code.
 * @throws MutantOutdatedError before any test runs
 */
export async function* runMutants(
  root: string,
  mutants: readonly Mutant[],
  runTests: RunTests,
): AsyncGenerator<Result> {
  const prepared = await Promise.all(
    mutants.map(async (mutant) => {
      const original = await readFile(join(root, mutant.file), "utf8");
      return { mutant, original, mutated: mutate(original, mutant) };
    }),
  );
  const baselines = new Map<string, string | undefined>();
  for (const { mutant, original, mutated } of prepared) {
    const startedAt = performance.now();
    const { file, title } = mutant.test;
    const test = `${file} ${title}`;
    if (!baselines.has(test)) baselines.set(test, baselineProblem(await runTests(root, file, title)));
    const problem = baselines.get(test);
    const path = join(root, mutant.file);
    await writeFile(path, mutated);
    const judgement: Judgement =
      problem === undefined
        ? judge(await runTests(root, file, title))
        : { kind: "broken", why: `without the mutant: ${problem}` };
    await writeFile(path, original);
    yield { mutant, judgement, seconds: (performance.now() - startedAt) / 1000 };
  }
}
