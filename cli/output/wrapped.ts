import { stripVTControlCharacters } from "node:util";
import { widthOf } from "./width.ts";

/**
 * Text whose lines end between words where the terminal's do.
 * @param columns undefined: as it is
 * @param indent what further lines begin with
 */
export function wrapped(text: string, columns: number | undefined, indent = ""): string {
  if (columns === undefined) return text;
  return text
    .split("\n")
    .map((line) => wrappedLine(line, columns, indent))
    .join("\n");
}

function wrappedLine(line: string, columns: number, indent: string): string {
  if (visibleWidth(line) <= columns) return line;
  const lines: string[] = [];
  let open = "";
  for (const word of line.split(/(?<=\S) (?=\S)/)) {
    const longer = open === "" ? word : `${open} ${word}`;
    // A word that is too long stands alone.
    if (open === "" || visibleWidth(longer) <= columns) open = longer;
    else {
      lines.push(open);
      open = `${indent}${word}`;
    }
  }
  return [...lines, open].join("\n");
}

/** Colours have no width. */
function visibleWidth(text: string): number {
  return widthOf(stripVTControlCharacters(text));
}
