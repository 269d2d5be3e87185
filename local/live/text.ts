import { stripVTControlCharacters } from "node:util";

const GRAPHEMES = new Intl.Segmenter("en", { granularity: "grapheme" });
/** What takes two columns: emoji, and the scripts and forms that Unicode's East Asian Width calls wide. */
const WIDE =
  /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
/** Control characters, and those that change the direction of what follows. */
const UNSHOWABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text of others as one line that moves no cursor and colours nothing, whatever is in it. */
export function shown(text: string): string {
  return stripVTControlCharacters(text.replace(/\s+/g, " ")).replace(UNSHOWABLE, "");
}

/** Columns that a text takes in a terminal, colours not counted. */
export function widthOf(text: string): number {
  const plain = stripVTControlCharacters(text);
  // Nearly all text: a column a character.
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  return [...GRAPHEMES.segment(plain)].reduce((sum, { segment }) => sum + columnsOf(segment), 0);
}

/** The text, or as much of it as fits with a mark that something is missing. Not for coloured text. */
export function truncated(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns < 1) return "";
  let [kept, width] = ["", 0];
  for (const { segment } of GRAPHEMES.segment(text)) {
    width += columnsOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The text in a column of a table. */
export function cell(text: string, columns: number, align: "left" | "right" = "left"): string {
  const fitted = truncated(text, columns);
  const blanks = " ".repeat(Math.max(0, columns - widthOf(fitted)));
  return align === "left" ? fitted + blanks : blanks + fitted;
}

function columnsOf(grapheme: string): number {
  return WIDE.test(grapheme) ? 2 : 1;
}
