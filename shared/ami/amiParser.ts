import { AmiSyntaxError } from "../errors.ts";
import type { AmiField, AmiMessage } from "./amiMessage.ts";
import { type AmiText, readAmiText } from "./amiText.ts";
import { classesOf } from "./eventClass.ts";

/** Longer lines and blocks are not AMI: Asterisk reads lines of at most 1 KB and writes events of a few KB. */
const MAX_LINE_BYTES = 64 * 1024;
const MAX_BLOCK_BYTES = 128 * 1024;

/** The lines up to an empty line. The greeting is a one-line block. */
export interface AmiBlock extends AmiText {
  readonly kind: "greeting" | "event" | "response" | "other";
  /** Every line ends with CRLF, as does the empty line after the last one. */
  readonly text: string;
}

/** One result of the parser. Results come in the order of the text. */
export type AmiItem = AmiBlock | { readonly error: AmiSyntaxError };

const GREETING = /^Asterisk Call Manager\//;

const EVENT = /^event:/i;

/** A line of a response whose output may have empty lines (Asterisk up to 13). The output ends with the marker. */
const OUTPUT_FOLLOWS = /^response: *follows$/i;
const END_OF_OUTPUT = "--END COMMAND--";

/** Byte order marks, one character for each byte. */
const BYTE_ORDER_MARK = "\xef\xbb\xbf";
const UTF16_MARK = /^(?:\xff\xfe|\xfe\xff)/;

/**
 * Splits AMI text into blocks. Chunks may have any size and may be cut within a character or a line end. Lines may end
 * with CRLF or LF. A line or block that is too long is reported, and parsing continues after the next empty line.
 *
 * The parser works on bytes, one character for each. Only a whole block is read as text (`readAmiText`).
 */
export class AmiParser {
  readonly #charset: string | undefined;
  /** The unfinished line. */
  #line = "";
  #block = "";
  #lineNumber = 0;
  /** Set until the next empty line. */
  #broken: AmiSyntaxError | undefined;
  /** The line on which the output of a command began. */
  #outputSince: number | undefined;
  #isRefused = false;

  /** @param charset the declared charset, see `charsetOf` */
  constructor(charset?: string) {
    this.#charset = charset;
  }

  *feed(chunk: Uint8Array | string): Generator<AmiItem> {
    const bytes = Buffer.from(chunk).toString("latin1");
    let from = 0;
    for (let end = bytes.indexOf("\n"); end >= 0; end = bytes.indexOf("\n", from)) {
      const line = this.#line + bytes.slice(from, end);
      this.#line = "";
      from = end + 1;
      yield* this.#endLine(line);
    }
    this.#keep(bytes.slice(from));
  }

  /** Ends the text. Lines without an empty line after them are a block too. */
  *end(): Generator<AmiItem> {
    const line = this.#line;
    this.#line = "";
    if (line !== "") yield* this.#endLine(line);
    const outputSince = this.#outputSince;
    if (outputSince !== undefined)
      this.#broken = new AmiSyntaxError({
        line: outputSince,
        reason: `the response has no ${END_OF_OUTPUT}`,
      });
    yield* this.#endBlock();
  }

  #keep(rest: string): void {
    this.#line += rest;
    if (this.#line.length <= MAX_LINE_BYTES) return;
    // Only the end of an output line matters: it may be the marker.
    this.#line =
      this.#outputSince === undefined ? this.#line.slice(0, MAX_LINE_BYTES + 1) : this.#line.slice(-100);
  }

  *#endLine(line: string): Generator<AmiItem> {
    if (this.#isRefused) return;
    this.#lineNumber += 1;
    if (this.#lineNumber === 1 && UTF16_MARK.test(line)) {
      this.#isRefused = true;
      yield {
        error: new AmiSyntaxError({ line: 1, reason: "the text is UTF-16; send it as Asterisk wrote it" }),
      };
      return;
    }
    const written = line.replaceAll("\r", "").replaceAll("\0", "");
    if (this.#outputSince !== undefined) return this.#readOutput(written);
    // The mark is not content. It also occurs between texts that were concatenated.
    const content =
      this.#block === "" && written.startsWith(BYTE_ORDER_MARK)
        ? written.slice(BYTE_ORDER_MARK.length)
        : written;
    if (content === "") yield* this.#endBlock();
    else if (content.length > MAX_LINE_BYTES) this.#break("the line is too long");
    else if (this.#block.length + content.length > MAX_BLOCK_BYTES) this.#break("the block is too long");
    else {
      if (OUTPUT_FOLLOWS.test(content) && !EVENT.test(this.#block)) this.#outputSince = this.#lineNumber;
      this.#block += `${content}\r\n`;
      if (GREETING.test(this.#block)) yield* this.#endBlock();
    }
  }

  /** The marker may follow the last line of the output directly. Output beyond the limit is dropped. */
  #readOutput(line: string): void {
    if (this.#block.length + line.length <= MAX_BLOCK_BYTES) this.#block += `${line}\r\n`;
    if (line.endsWith(END_OF_OUTPUT)) this.#outputSince = undefined;
  }

  #break(reason: string): void {
    this.#broken ??= new AmiSyntaxError({ line: this.#lineNumber, reason });
    this.#block = "";
  }

  *#endBlock(): Generator<AmiItem> {
    const block = this.#block;
    const broken = this.#broken;
    this.#block = "";
    this.#broken = undefined;
    this.#outputSince = undefined;
    if (broken) yield { error: broken };
    else if (block !== "") yield { kind: kindOf(block), ...readAmiText(`${block}\r\n`, this.#charset) };
  }
}

function kindOf(text: string): AmiBlock["kind"] {
  if (GREETING.test(text)) return "greeting";
  if (EVENT.test(text)) return "event";
  return /^response:/i.test(text) ? "response" : "other";
}

/** The message in an event block, with the name and classes from its headers. */
export function readAmi(block: AmiText | string): AmiMessage {
  const { text, raw }: AmiText = typeof block === "string" ? { text: block } : block;
  let name = "";
  let privilege: string | undefined;
  for (const [field, value] of fieldList(text)) {
    const header = field.toLowerCase();
    if (header === "event" && name === "") name = value;
    else if (header === "privilege") {
      privilege = value;
      break;
    }
  }
  return { name, classes: classesOf(privilege), text, ...(raw && { raw }) };
}

/** The headers of a block, in order. One space after the colon is not part of the value. */
export function* fieldList(text: string): Generator<AmiField> {
  let from = 0;
  for (let end = text.indexOf("\r\n"); end > from; end = text.indexOf("\r\n", from)) {
    const colon = text.indexOf(":", from);
    if (colon >= 0 && colon < end)
      yield [text.slice(from, colon), text.slice(text[colon + 1] === " " ? colon + 2 : colon + 1, end)];
    from = end + 2;
  }
}

/** The headers of a block by name. A repeated header has all its values, in order. */
export function fieldsOf(text: string): Record<string, string | string[]> {
  const fields = new Map<string, string | string[]>();
  for (const [name, value] of fieldList(text)) {
    const before = fields.get(name);
    if (before === undefined) fields.set(name, value);
    else if (Array.isArray(before)) before.push(value);
    else fields.set(name, [before, value]);
  }
  return Object.fromEntries(fields);
}
