import { InvalidArgumentError } from "commander";

/** Reads a number from an option; commander shows the error. */
export function numberOption({ atLeast, isWhole = false }: { atLeast: number; isWhole?: boolean }) {
  return (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || value < atLeast || (isWhole && !Number.isInteger(value)))
      throw new InvalidArgumentError(`must be a ${isWhole ? "whole " : ""}number of at least ${atLeast}`);
    return value;
  };
}
