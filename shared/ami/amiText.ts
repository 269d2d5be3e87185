/**
 * AMI is bytes, and Asterisk declares no charset. Names come as the phones sent them, and some fields are truncated in
 * the middle of a character. Text that is not UTF-8 keeps its bytes and the charset it was read in.
 */
export interface AmiText {
  readonly text: string;
  /** Absent when the bytes are UTF-8. */
  readonly raw?: RawText;
}

export interface RawText {
  /** One character for each byte. */
  readonly latin1: string;
  /** The charset that `text` was read in. */
  readonly charset: string;
}

const LATIN1 = "iso-8859-1";

/** Charsets in which the bytes of a line end are not those of ASCII. */
const WITHOUT_ASCII = /^(?:utf-16|replacement|x-user-defined)/;

/** The charset of a label such as `latin1` or `cp1252`. Undefined when AMI text cannot be read in it. */
export function charsetOf(label: string): string | undefined {
  if (/^(?:iso[-_]?8859-1|latin-?1|l1)$/i.test(label)) return LATIN1;
  try {
    const { encoding } = new TextDecoder(label);
    return WITHOUT_ASCII.test(encoding) ? undefined : encoding;
  } catch {
    return undefined;
  }
}

/**
 * Reads bytes in the declared charset, otherwise as UTF-8, otherwise as Latin-1, in which every byte is a character.
 * @param latin1 the bytes, one character for each
 */
export function readAmiText(latin1: string, declared?: string): AmiText {
  if (isAscii(latin1)) return { text: latin1 };
  const bytes = Buffer.from(latin1, "latin1");
  for (const charset of [declared, "utf-8"]) {
    const text = charset === undefined ? undefined : decode(bytes, charset);
    if (text !== undefined)
      return charset === "utf-8" ? { text } : { text, raw: { latin1, charset: charset ?? "" } };
  }
  return { text: latin1, raw: { latin1, charset: LATIN1 } };
}

/** The original bytes. */
export function bytesOf({ text, raw }: AmiText): Buffer {
  return raw === undefined ? Buffer.from(text) : Buffer.from(raw.latin1, "latin1");
}

function decode(bytes: Uint8Array, charset: string): string | undefined {
  if (charset === LATIN1) return Buffer.from(bytes).toString("latin1");
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}
