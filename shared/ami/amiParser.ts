import { StringDecoder } from "node:string_decoder";
import { AmiSyntaxError } from "../errors.ts";
import type { AmiField, AmiMessage } from "./amiMessage.ts";
import { classesOf } from "./eventClass.ts";

/** Longer lines and blocks are not AMI: Asterisk reads lines of at most 1 KB and writes events of a few KB. */
const MAX_LINE_CHARACTERS = 64 * 1024;
const MAX_BLOCK_CHARACTERS = 128 * 1024;

/** The lines up to an empty line. The greeting is a one-line block. */
export interface AmiBlock {
  readonly kind: "greeting" | "event" | "response" | "other";
  /** Every line ends with CRLF, as does the empty line after the last one. */
  readonly text: string;
}

/** One result of the parser. Results come in the order of the text. */
export type AmiItem = AmiBlock | { readonly error: AmiSyntaxError };

const GREETING = /^Asterisk Call Manager\//;

/**
 * Splits AMI text into blocks. Chunks may have any size and may be cut within a character or a line end. Lines may end
 * with CRLF or LF. A line or block that is too long is reported, and parsing continues after the next empty line.
 */
export class AmiParser {
  readonly #decoder = new StringDecoder("utf8");
  /** The unfinished line. */
  #line = "";
  #block = "";
  #lineNumber = 0;
  /** Set until the next empty line. */
  #broken: AmiSyntaxError | undefined;

  *feed(chunk: Uint8Array | string): Generator<AmiItem> {
    const text = typeof chunk === "string" ? chunk : this.#decoder.write(chunk);
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      const line = this.#line + text.slice(from, end);
      this.#line = "";
      from = end + 1;
      yield* this.#endLine(line);
    }
    this.#keep(text.slice(from));
  }

  /** Ends the text. Lines without an empty line after them are a block too. */
  *end(): Generator<AmiItem> {
    const line = this.#line + this.#decoder.end();
    this.#line = "";
    if (line !== "") yield* this.#endLine(line);
    yield* this.#endBlock();
  }

  #keep(rest: string): void {
    this.#line += rest;
    if (this.#line.length <= MAX_LINE_CHARACTERS) return;
    this.#line = this.#line.slice(0, MAX_LINE_CHARACTERS + 1);
  }

  *#endLine(line: string): Generator<AmiItem> {
    this.#lineNumber += 1;
    const content = line.replaceAll("\r", "").replaceAll("\0", "");
    if (content === "") yield* this.#endBlock();
    else if (content.length > MAX_LINE_CHARACTERS) this.#break("the line is too long");
    else if (this.#block.length + content.length > MAX_BLOCK_CHARACTERS) this.#break("the block is too long");
    else {
      this.#block += `${content}\r\n`;
      if (GREETING.test(this.#block)) yield* this.#endBlock();
    }
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
    if (broken) yield { error: broken };
    else if (block !== "") yield { kind: kindOf(block), text: `${block}\r\n` };
  }
}

function kindOf(text: string): AmiBlock["kind"] {
  if (GREETING.test(text)) return "greeting";
  if (/^event:/i.test(text)) return "event";
  return /^response:/i.test(text) ? "response" : "other";
}

/** The message in an event block, with the name and classes from its headers. */
export function readAmi(text: string): AmiMessage {
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
  return { name, classes: classesOf(privilege), text };
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
