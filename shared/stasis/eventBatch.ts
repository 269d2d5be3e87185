/**
 * Splits a body into one text per event. The texts are slices of the body, not serialised again, so subscribers get
 * the numbers, escapes and key order that Asterisk wrote.
 */

/**
 * Events in one request or message. Call events are too large for more of them to fit. Without the limit, 350,000
 * times `{}` took a function 12 s to read, and listing all of them took a response of 30 MB, where Lambda allows 6 MB.
 */
export const MAX_BATCH_EVENTS = 10_000;

export type EventTexts = { readonly texts: readonly string[] } | { readonly error: string };

/** NDJSON: one event per line. Empty lines are skipped. */
export function splitLines(body: string): string[] {
  return body.split("\n").filter((line) => line.trim() !== "");
}

/** One event whose JSON may have line breaks, or one event per line, or events as formatters print them. */
export function splitEvents(body: string): string[] {
  const lines = splitLines(body);
  return lines.length > 1 && isJson(body) ? [body] : joinFormatted(lines);
}

/** The first and the last line of an object that a formatter such as jq has spread over lines. */
const OPENING = /^\ufeff?\{\s*$/;
const CLOSING = /^\}\s*$/;

/** Joins the lines of each formatted object. All other lines stay as they are, also those of an object that is not JSON. */
function joinFormatted(lines: readonly string[]): string[] {
  const texts: string[][] = [];
  let open: string[] | undefined;
  for (const line of lines) {
    if (OPENING.test(line)) {
      open = [line];
      texts.push(open);
    } else if (open === undefined) texts.push([line]);
    else {
      open.push(line);
      if (!CLOSING.test(line)) continue;
      const text = open.join("\n");
      if (isJson(text)) open.splice(0, open.length, text);
      open = undefined;
    }
  }
  return texts.flat();
}

function isJson(text: string): boolean {
  try {
    JSON.parse(withoutMark(text));
    return true;
  } catch {
    return false;
  }
}

/** The text without the byte order mark that some programs write first. The mark is not content. */
export function withoutMark(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

/** A JSON array of events. */
export function splitArray(written: string): EventTexts {
  const body = withoutMark(written);
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    return {
      error: `the body is not JSON: ${error instanceof Error ? error.message.slice(0, 200) : "unreadable"}`,
    };
  }
  if (!Array.isArray(value)) return { error: "the body must be a JSON array of events" };
  return { texts: elementTexts(body) };
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The elements of an array in valid JSON. Only strings and nesting need to be recognised. */
function elementTexts(json: string): string[] {
  const texts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < json.length; index += 1) {
    const code = json.charCodeAt(index);
    if (code === QUOTE) index = endOfString(json, index);
    else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      depth += 1;
      if (depth === 1) start = index + 1;
    } else if (code === CLOSE_BRACE) depth -= 1;
    else if (code === CLOSE_BRACKET || (code === COMMA && depth === 1)) {
      if (depth === 1) {
        const text = json.slice(start, index).trim();
        if (text !== "") texts.push(text);
        start = index + 1;
      }
      if (code === CLOSE_BRACKET) depth -= 1;
    }
  }
  return texts;
}

function endOfString(json: string, open: number): number {
  let index = open + 1;
  while (json.charCodeAt(index) !== QUOTE) index += json.charCodeAt(index) === BACKSLASH ? 2 : 1;
  return index;
}
