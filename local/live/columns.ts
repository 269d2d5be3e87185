import { styleText } from "node:util";
import { cell, widthOf } from "./text.ts";

export type Colour = "green" | "yellow" | "red" | "dim";

export interface Column<Row> {
  readonly title: string;
  /** Absent: as wide as the longest text, within what the others leave. */
  readonly width?: number;
  readonly align?: "right";
  text(row: Row): string;
  colour?(row: Row): Colour | undefined;
}

export const GAP = "  ";
/** A column without a width gets so much before another column is left out. */
const MOST_NARROW = 8;

/** Rows as aligned lines of at most `width` columns, and the line of their titles. */
export function alignedRows<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): { readonly titles: string; readonly lines: readonly string[] } {
  const kept = fitting(columns, width);
  const widths = widthsOf(kept, rows, width);
  const titles = kept.map(({ title, align }, index) => cell(title, widths[index] ?? 0, align));
  return {
    titles: styleText("underline", titles.join(GAP)),
    lines: rows.map((row) =>
      kept
        .map((column, index) => {
          const content = cell(column.text(row), widths[index] ?? 0, column.align);
          const colour = column.colour?.(row);
          return colour === undefined ? content : styleText(colour, content);
        })
        .join(GAP),
    ),
  };
}

/** The first ones, as many as a narrow terminal has room for. */
function fitting<Row>(columns: readonly Column<Row>[], total: number): readonly Column<Row>[] {
  let used = -GAP.length;
  const count = columns.findIndex(({ width = MOST_NARROW }) => {
    used += width + GAP.length;
    return used > total;
  });
  return count < 0 ? columns : columns.slice(0, count);
}

/** The columns without a width share what the others leave: each is as wide as its longest text if all fit. */
function widthsOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[], total: number): number[] {
  const widths = columns.map(
    ({ width, title, text }) =>
      width ?? rows.reduce((most, row) => Math.max(most, widthOf(text(row))), title.length),
  );
  const flexible = columns.flatMap(({ width }, index) => (width === undefined ? [index] : []));
  let over = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - total;
  for (; over > 0; over--) {
    // The longest gives way first.
    const longest = flexible.reduce((a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a));
    widths[longest] = (widths[longest] ?? 0) - 1;
  }
  return widths;
}
