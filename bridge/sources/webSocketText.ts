import type { RawData } from "ws";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

/** A message's bytes. With `ws`'s defaults they are one buffer already. */
export function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

/**
 * A JSON text on one line. With `pretty = yes` in ari.conf, Asterisk puts line breaks between the tokens; within a
 * string JSON has none, so a blank does as well. Undefined if the text is blank.
 */
export function asOneLine(text: Buffer): Buffer | undefined {
  if (text.every((byte) => byte <= SPACE)) return undefined;
  if (!text.includes(LINE_FEED) && !text.includes(CARRIAGE_RETURN)) return text;
  const line = Buffer.from(text);
  line.forEach((byte, at) => {
    if (byte === LINE_FEED || byte === CARRIAGE_RETURN) line[at] = SPACE;
  });
  return line;
}
