import { SettingsError } from "../errors.ts";

/** Environment variables by name; in AWS it is `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a number may be. `unit` is said in the error. */
export interface NumberRule {
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  readonly isWhole?: boolean;
}

const DECIMAL = /^\d+(?:\.\d+)?$/;

/** A number within its bounds; the fallback when the variable is not set. @throws SettingsError */
export function numberIn(
  environment: Environment,
  name: string,
  fallback: number,
  { least, most, unit, isWhole = false }: NumberRule,
): number {
  const text = textIn(environment, name);
  if (text === undefined) return fallback;
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
  const kind = isWhole ? "a whole number of" : "a number of";
  throw new SettingsError(name, `must be ${kind} ${unit}, from ${least} to ${most}; "${text}" is not`);
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  "1": true,
  true: true,
  yes: true,
  "0": false,
  false: false,
  no: false,
};

/** A switch; the fallback when the variable is not set. @throws SettingsError */
export function booleanIn(environment: Environment, name: string, fallback: boolean): boolean {
  const text = textIn(environment, name);
  if (text === undefined) return fallback;
  const value = Object.entries(BOOLEANS).find(([word]) => word === text.toLowerCase())?.[1];
  if (value !== undefined) return value;
  const words = Object.keys(BOOLEANS).join(", ");
  throw new SettingsError(name, `must be one of ${words}; "${text}" is not`);
}

/** One of some words; the first one when the variable is not set. @throws SettingsError */
export function wordIn<Word extends string>(
  environment: Environment,
  name: string,
  words: readonly [Word, ...Word[]],
): Word {
  const text = textIn(environment, name);
  if (text === undefined) return words[0];
  const word = words.find((each) => each === text);
  if (word !== undefined) return word;
  throw new SettingsError(name, `must be one of ${words.join(", ")}; "${text}" is not`);
}

/** The parts of a list that is separated by commas. */
export function listIn(environment: Environment, name: string): string[] {
  return (environment[name] ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Without blanks around it; undefined when nothing is left. */
function textIn(environment: Environment, name: string): string | undefined {
  return environment[name]?.trim() || undefined;
}

/** The `RELAY_*` variables that no part of the relay reads: misspelt, or of another version. */
export function unknownSettings(environment: Environment, known: ReadonlySet<string>): string[] {
  return Object.keys(environment).filter((name) => name.startsWith("RELAY_") && !known.has(name));
}
