/** Control characters, and those that turn the direction of what follows. */
const COMMANDS = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text that others wrote (callers' names, error details) as one line for a terminal. What a terminal would take for a
 * command is shown as an escape.
 */
export function plain(text: string): string {
  return text.replace(COMMANDS, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`;
  });
}

/** As `plain`, with line ends kept. */
export function plainLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => plain(line))
    .join("\n");
}

/** A value as one line of JSON that a terminal takes for nothing else: JSON itself escapes only some control characters. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
