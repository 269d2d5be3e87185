import { InvalidArgumentError } from "commander";

/** Reads an option that is a number; commander shows what was wrong with it. */
export function numberOption({ atLeast, isWhole = false }: { atLeast: number; isWhole?: boolean }) {
  return (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || value < atLeast || (isWhole && !Number.isInteger(value)))
      throw new InvalidArgumentError(`must be a ${isWhole ? "whole " : ""}number of at least ${atLeast}`);
    return value;
  };
}
