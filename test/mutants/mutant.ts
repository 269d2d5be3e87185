import type { Edit, Race } from "../races.ts";

/** A small change of the production code that breaks the relay's promise, and the test that must catch it. */
export interface Mutant extends Edit {
  readonly name: string;
  readonly test: Race["test"];
}

/** The code does not contain the mutant's text exactly once: update the mutant. */
export class MutantOutdatedError extends Error {
  constructor({ name, file }: Pick<Mutant, "name" | "file">, found: number) {
    super(`"${name}": its text is ${found} times in ${file}, not once`);
    this.name = "MutantOutdatedError";
  }
}

/** @throws MutantOutdatedError */
export function mutate(source: string, mutant: Mutant): string {
  const parts = source.split(mutant.find);
  if (parts.length !== 2) throw new MutantOutdatedError(mutant, parts.length - 1);
  return parts.join(mutant.replace);
}
