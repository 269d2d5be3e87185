import { styleText } from "node:util";
import { tableLines } from "../../cli/terminal/table.ts";
import type { Finding } from "./finding.ts";

const MARKS = { ok: ["ok", "green"], warning: ["look", "yellow"], wrong: ["WRONG", "red"] } as const;

/** One line for each finding: what `validate` prints. */
export function verdictLines(findings: readonly Finding[], isColoured: boolean): string[] {
  const width = Math.max(0, ...findings.map(({ subject }) => subject.length));
  return findings.map(({ subject, verdict, detail }) => {
    const [mark, colour] = MARKS[verdict];
    const shown = mark.padEnd(5);
    return `${isColoured ? styleText(colour, shown, { validateStream: false }) : shown}  ${subject.padEnd(width)}  ${detail}`;
  });
}

/** All that was seen: what `doctor` prints. */
export function doctorLines(findings: readonly Finding[], isColoured: boolean): string[] {
  return findings.flatMap((finding) => {
    const [head = ""] = verdictLines([finding], isColoured);
    const rows = finding.facts.map(([name, value]) => [name, value]);
    return [head, ...(rows.length === 0 ? [] : tableLines(rows, [0, 1]).map((line) => `       ${line}`)), ""];
  });
}
