/** Characters that a terminal shows two columns wide; roughly those of Unicode's annex 11. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;
/** Characters that add to the one before. */
const JOINED = /\p{Mn}|\p{Me}|\u200d|\ufe0f/u;

/** How many columns a terminal takes for a text without control characters. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += JOINED.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** The text, shortened to so many columns; an ellipsis says that it was. */
export function shortened(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let shown = "";
  let width = 1;
  for (const character of text) {
    width += widthOf(character);
    if (width > columns) break;
    shown += character;
  }
  return columns < 1 ? "" : `${shown}…`;
}
