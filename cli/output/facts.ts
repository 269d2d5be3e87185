import { columnsOfOutput, paint } from "./paint.ts";
import { widthOf } from "./width.ts";
import { wrapped } from "./wrapped.ts";

export type Fact = readonly [name: string, value: string | number | null | undefined];

/** Names and values below each other. Facts without a value are left out. */
export function factLines(facts: readonly Fact[]): string[] {
  const shown = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const width = Math.max(0, ...shown.map(([name]) => widthOf(name)));
  return shown.map(([name, value]) => {
    const label = name.padEnd(width);
    const text = wrapped(`${label}  ${value}`, columnsOfOutput(), " ".repeat(width + 2));
    return `${paint("dim", label)}${text.slice(label.length)}`;
  });
}
