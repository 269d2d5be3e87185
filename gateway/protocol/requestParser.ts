import type { AmiRequest } from "./request.ts";

/** A line with its line end. Asterisk: include/asterisk/manager.h, `AST_MAX_MANHEADER_LEN`; main/manager.c, `get_input`. */
const MAX_LINE_BYTES = 1024;

/** Asterisk: include/asterisk/manager.h, `AST_MAX_MANHEADERS`. */
const MAX_HEADERS = 128;

/**
 * Splits a client's bytes into requests. Chunks may have any size. Memory is bounded by the two limits: a longer line and
 * further headers are dropped, and the request says so.
 * Asterisk: main/manager.c, `get_input`, `do_message`.
 */
export class RequestParser {
  /** The unfinished line. */
  #line = "";
  #lines: string[] = [];
  #hasLongLine = false;
  #hasTooManyLines = false;

  *feed(chunk: Uint8Array): Generator<AmiRequest> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    let from = 0;
    for (let end = bytes.indexOf("\n"); end >= 0; end = bytes.indexOf("\n", from)) {
      this.#add(bytes.slice(from, end));
      from = end + 1;
      const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
      this.#line = "";
      const request = this.#endLine(line);
      if (request) yield request;
    }
    this.#add(bytes.slice(from));
  }

  /** Manager reads into a buffer; when it is full without a line end, only the last byte is kept. */
  #add(bytes: string): void {
    this.#line += bytes;
    while (this.#line.length >= MAX_LINE_BYTES) {
      this.#line = this.#line.slice(MAX_LINE_BYTES - 1);
      this.#hasLongLine = true;
    }
  }

  #endLine(line: string): AmiRequest | undefined {
    // To Manager, a NUL ends the line.
    const nul = line.indexOf("\0");
    const content = nul < 0 ? line : line.slice(0, nul);
    if (content === "") return this.#endRequest();
    if (this.#lines.length < MAX_HEADERS) this.#lines.push(content);
    else this.#hasTooManyLines = true;
    return undefined;
  }

  #endRequest(): AmiRequest {
    const lines = this.#lines;
    const tooMany = this.#hasTooManyLines;
    this.#lines = [];
    this.#hasTooManyLines = false;
    if (tooMany) return { lines, problem: "too-many-lines" };
    const tooLong = this.#hasLongLine;
    this.#hasLongLine = false;
    return tooLong ? { lines, problem: "line-too-long" } : { lines };
  }
}
