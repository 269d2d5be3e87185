import { styleText } from "node:util";

export type Style = Parameters<typeof styleText>[0];

/** Colours for standard output. Node leaves them out for NO_COLOR and where it is no terminal. */
export function paint(style: Style, text: string): string {
  return text === "" ? "" : styleText(style, text, { stream: process.stdout });
}

/** The same for standard error. */
export function paintError(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr });
}

/** How many columns standard output has; undefined where it is no terminal, and nothing is shortened. */
export function columnsOfOutput(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}

export function columnsOfErrors(): number | undefined {
  return process.stderr.isTTY ? process.stderr.columns : undefined;
}
