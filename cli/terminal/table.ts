import Table from "cli-table3";

const COLUMN_GAP = "  ";
const NO_BORDERS = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: COLUMN_GAP,
};

/**
 * Rows as lines of text, with aligned columns and without borders. The first row holds the titles.
 * @param textColumns the columns aligned to the left; the others hold numbers
 */
export function tableLines(
  rows: readonly (readonly (string | number)[])[],
  textColumns: readonly number[] = [0],
): string[] {
  const table = new Table({
    chars: NO_BORDERS,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
    colAligns: rows[0]?.map((_, column) => (textColumns.includes(column) ? "left" : "right")) ?? [],
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}
