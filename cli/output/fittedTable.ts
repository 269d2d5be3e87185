import { tableLines } from "../terminal/table.ts";
import { paint, type Style } from "./paint.ts";
import { shortened, widthOf } from "./width.ts";

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number;
  /** May be shortened to so many columns of the terminal; absent: never. */
  readonly least?: number;
  /** Left out where the table is too wide, the highest number first; absent: never. */
  readonly spare?: number;
  /** Aligned to the right. */
  readonly isNumber?: true;
  readonly style?: (row: Row) => Style | undefined;
}

const GAP = 2;

/**
 * Rows as lines that fit a terminal: columns that may be shortened are, the longest first; if that is not enough,
 * columns that can be spared are left out. Cells must have no control characters.
 * @param width undefined: nothing is shortened or left out
 */
export function fittedTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number | undefined,
): string[] {
  const cells = columns.map((column) => rows.map((row) => String(column.value(row))));
  const natural = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...(cells[index] ?? []).map((cell) => widthOf(cell))),
  );
  const shown = columns
    .map((column, index) => ({ column, cells: cells[index] ?? [], width: natural[index] ?? 0 }))
    // A column in which nothing is says nothing.
    .filter((each) => each.column.spare === undefined || each.cells.some((cell) => cell !== ""));
  const fitted = width === undefined ? shown : narrowed(shown, width);
  const lines = [
    fitted.map((each) => paint("bold", shortened(each.column.title, each.width))),
    ...rows.map((row, index) =>
      fitted.map((each) => {
        const text = shortened(each.cells[index] ?? "", each.width);
        const style = each.column.style?.(row);
        return style === undefined ? text : paint(style, text);
      }),
    ),
  ];
  const textColumns = fitted.flatMap(({ column }, index) => (column.isNumber ? [] : [index]));
  return tableLines(lines, textColumns);
}

/** What is said of some rows, too long for a column. */
export interface Note<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly style: (row: Row) => Style;
}

/** As `fittedTable`. On a terminal, a row's note is a line below it; elsewhere it is the last column, for grep. */
export function notedTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { title, value, style }: Note<Row>,
  width: number | undefined,
): string[] {
  if (width === undefined) return fittedTable(rows, [...columns, { title, value, spare: 0 }], width);
  const [titles = "", ...lines] = fittedTable(rows, columns, width);
  const notes = rows.map((row) => {
    const note = shortened(value(row), width - NOTE_INDENT.length);
    return note === "" ? [] : [`${NOTE_INDENT}${paint(style(row), note)}`];
  });
  return [titles, ...lines.flatMap((line, index) => [line, ...(notes[index] ?? [])])];
}

const NOTE_INDENT = "  ";

interface Fitting<Row> {
  readonly column: Column<Row>;
  readonly cells: readonly string[];
  readonly width: number;
}

function narrowed<Row>(columns: readonly Fitting<Row>[], width: number): readonly Fitting<Row>[] {
  const least = columns.reduce(
    (sum, { column, width: own }) => sum + Math.min(own, column.least ?? own) + GAP,
    -GAP,
  );
  if (least > width) {
    const sparest = columns.reduce<Fitting<Row> | undefined>(
      (found, each) => ((each.column.spare ?? 0) > (found?.column.spare ?? 0) ? each : found),
      undefined,
    );
    if (sparest !== undefined)
      return narrowed(
        columns.filter((each) => each !== sparest),
        width,
      );
  }
  const widths = columns.map((each) => each.width);
  let excess = widths.reduce((sum, each) => sum + each + GAP, -GAP) - width;
  for (; excess > 0; excess -= 1) {
    const candidates = columns
      .map(({ column }, index) => ({
        index,
        room: (widths[index] ?? 0) - (column.least ?? Number.POSITIVE_INFINITY),
      }))
      .filter(({ room }) => room > 0)
      .sort((a, b) => (widths[b.index] ?? 0) - (widths[a.index] ?? 0));
    const [longest] = candidates;
    if (longest === undefined) break;
    widths[longest.index] = (widths[longest.index] ?? 0) - 1;
  }
  return columns.map((each, index) => ({ ...each, width: widths[index] ?? each.width }));
}
