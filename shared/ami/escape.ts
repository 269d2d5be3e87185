const ESCAPED: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  "'": "\\'",
  '"': '\\"',
  "?": "\\?",
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that Asterisk escapes
const ESCAPABLE = /[\x07\b\f\n\r\t\v\\'"?]/g;

/**
 * C escapes, as Manager writes them in names, variable values and presentation texts. All other values stay raw.
 * Asterisk: main/utils.c, `ast_escape_c`.
 */
export function escapeC(text: string): string {
  return text.replace(ESCAPABLE, (character) => ESCAPED[character] ?? character);
}

const UNESCAPED: ReadonlyMap<string, string> = new Map(
  Object.entries(ESCAPED).map(([character, escaped]) => [escaped, character]),
);

/** Undoes `escapeC`. */
export function unescapeC(text: string): string {
  return text.replace(/\\(.)/gs, (escaped, character: string) => UNESCAPED.get(escaped) ?? character);
}
