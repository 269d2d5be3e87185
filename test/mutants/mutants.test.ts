import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { baselineProblem, type Judgement, judge } from "./judge.ts";
import { type Mutant, MutantOutdatedError, mutate } from "./mutant.ts";
import { type RunTests, runMutants } from "./run.ts";
import { readReport, type TestRun } from "./vitest.ts";

const MUTANT: Mutant = {
  name: "adds one too many",
  file: "add.ts",
  find: "a + b",
  replace: "a + b + 1",
  test: { file: "add.test.ts", title: "adds" },
};

const passing: TestRun = { loadErrors: [], tests: [{ title: "adds", failure: undefined }] };
const failing = (failure: string): TestRun => ({ loadErrors: [], tests: [{ title: "adds", failure }] });

describe("a mutant's text", () => {
  it("is replaced in the code", () => {
    expect(mutate("return a + b;", MUTANT)).toBe("return a + b + 1;");
  });

  it.each([
    ["is missing", "return b;", 0],
    ["occurs twice", "a + b; a + b", 2],
  ])("is refused when it %s", (_when, source, times) => {
    expect(() => mutate(source, MUTANT)).toThrow(MutantOutdatedError);
    expect(() => mutate(source, MUTANT)).toThrow(`is ${times} times in add.ts`);
  });
});

describe("the judgement", () => {
  it.each<[string, TestRun, object]>([
    ["caught by a failed assertion", failing("AssertionError: 3"), { kind: "caught", by: "adds" }],
    ["caught by an error that a test throws", failing("Error: seed 3: s1 received"), { kind: "caught" }],
    ["survived when all pass", passing, { kind: "survived" }],
    ["broken by a type error", failing("TypeError: x is not a function"), { kind: "broken" }],
    ["broken by a failed import", failing("Error: Cannot find module './y.ts'"), { kind: "broken" }],
    ["broken when nothing ran", { loadErrors: [], tests: [] }, { kind: "broken" }],
    [
      "broken when a file does not load",
      { ...failing("AssertionError"), loadErrors: ["a.ts"] },
      { kind: "broken" },
    ],
  ])("is %s", (_what, run, expected) => {
    expect(judge(run)).toMatchObject(expected);
  });

  it("requires that the tests pass without the mutant", () => {
    expect(baselineProblem(passing)).toBeUndefined();
    expect(baselineProblem(failing("AssertionError: 3"))).toContain("AssertionError: 3");
    expect(baselineProblem({ loadErrors: [], tests: [] })).toContain("no test");
    expect(baselineProblem({ ...passing, loadErrors: ["b.ts"] })).toBe("b.ts");
  });
});

describe("a report of vitest", () => {
  it("is read without the skipped tests", () => {
    const report = {
      testResults: [
        {
          name: "a.test.ts",
          status: "failed",
          assertionResults: [
            { fullName: "one", status: "passed", failureMessages: [] },
            { fullName: "two", status: "failed", failureMessages: ["AssertionError: 2"] },
            { fullName: "three", status: "skipped", failureMessages: [] },
          ],
        },
        { name: "b.test.ts", status: "failed", message: "does not parse", assertionResults: [] },
      ],
    };
    expect(readReport(report)).toEqual({
      loadErrors: ["b.test.ts: does not parse"],
      tests: [
        { title: "one", failure: undefined },
        { title: "two", failure: "AssertionError: 2" },
      ],
    });
  });
});

describe("a run", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "mutants-test-"));
    await writeFile(join(root, "add.ts"), "return a + b;");
  });
  afterEach(() => rm(root, { recursive: true }));

  async function run(runTests: RunTests, mutants = [MUTANT]): Promise<Judgement[]> {
    const judgements: Judgement[] = [];
    for await (const { judgement } of runMutants(root, mutants, runTests)) judgements.push(judgement);
    return judgements;
  }
  const source = () => readFile(join(root, "add.ts"), "utf8");

  it("runs the tests without and with the mutant, and restores the code", async () => {
    const seen: string[] = [];
    const judgements = await run(async () => {
      seen.push(await source());
      return seen.length === 1 ? passing : failing("AssertionError: 4");
    });
    expect(judgements).toEqual([{ kind: "caught", by: "adds" }]);
    expect(seen).toEqual(["return a + b;", "return a + b + 1;"]);
    expect(await source()).toBe("return a + b;");
  });

  it("reports a mutant that survives", async () => {
    expect(await run(async () => passing)).toEqual([{ kind: "survived" }]);
  });

  it("proves nothing when the tests fail without the mutant too", async () => {
    expect(await run(async () => failing("AssertionError"))).toMatchObject([{ kind: "broken" }]);
  });

  it("runs nothing when a mutant no longer matches the code", async () => {
    const outdated = { ...MUTANT, find: "a - b" };
    let runs = 0;
    const counting = async () => {
      runs += 1;
      return passing;
    };
    await expect(run(counting, [MUTANT, outdated])).rejects.toThrow(MutantOutdatedError);
    expect(runs).toBe(0);
  });
});
