import type { TestRun } from "./vitest.ts";

/** The result for a mutant. Only "caught" is good. */
export type Judgement =
  | { readonly kind: "caught"; readonly by: string }
  /** The tests passed, so they would miss this change. */
  | { readonly kind: "survived" }
  /** The mutant did not run properly, which proves nothing. */
  | { readonly kind: "broken"; readonly why: string };

/** Failures that show broken code, not wrong behaviour. */
const NO_ASSERTION = /^(TypeError|ReferenceError|SyntaxError)\b|Cannot find (module|package)/;

export function judge({ loadErrors, tests }: TestRun): Judgement {
  const [loadError] = loadErrors;
  if (loadError !== undefined) return { kind: "broken", why: loadError };
  if (tests.length === 0) return { kind: "broken", why: "no test has this title" };
  const failed = tests.filter(({ failure }) => failure !== undefined);
  const caught = failed.find(({ failure = "" }) => !NO_ASSERTION.test(failure));
  if (caught) return { kind: "caught", by: caught.title };
  const [other] = failed;
  return other ? { kind: "broken", why: other.failure ?? "" } : { kind: "survived" };
}

/** The reason why the tests prove nothing about a mutant. They must pass on the unchanged code. */
export function baselineProblem({ loadErrors, tests }: TestRun): string | undefined {
  const failed = tests.find(({ failure }) => failure !== undefined);
  if (loadErrors[0] !== undefined) return loadErrors[0];
  if (tests.length === 0) return "no test has this title";
  return failed && `${failed.title}: ${failed.failure}`;
}
