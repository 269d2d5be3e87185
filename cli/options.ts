import { InvalidArgumentError } from "commander";
import type { Position } from "../client/types.ts";
import { PLACES, readPlace } from "./place.ts";

/** Readers of options. commander shows their errors. */

export function place(text: string): Position {
  const read = readPlace(text, Date.now());
  if (read === undefined) throw new InvalidArgumentError(`must be ${PLACES}`);
  return read;
}

/** Collects an option that may be repeated, or have several values with commas. */
export function names(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(",").map((each) => each.trim())].filter((each) => each !== "");
}

/** Collects an option that may be repeated; commas belong to its values. */
export function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** The names of feeds, as the interface takes them. */
export function feedName(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text))
    throw new InvalidArgumentError("must have 1 to 64 letters, digits, dots, underscores or hyphens");
  return text;
}
