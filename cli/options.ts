import { InvalidArgumentError } from "commander";
import type { Position } from "../client/types.ts";
import { CliError } from "./cliError.ts";
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

/** The address of a relay or an endpoint. @param read one of `target.ts` */
export function address(read: (text: string, from: string) => string) {
  return (text: string): string => {
    try {
      return read(text, "it");
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      throw new InvalidArgumentError(error.message);
    }
  };
}
