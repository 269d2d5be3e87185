import { SourceError } from "../sourceError.ts";

/** The relay accepts events of 128 KB; what is between is refused there, event by event. Beyond, it is no Manager. */
const MAX_BLOCK_BYTES = 256 * 1024;

const LINE_END = Buffer.from("\r\n");
const BLOCK_END = Buffer.from("\r\n\r\n");
const GREETING = Buffer.from("Asterisk Call Manager/");

/**
 * Splits what Manager sends into its blocks, as bytes: names can be Latin-1, and fields can be cut within a character.
 * Chunks may be cut anywhere.
 *
 * A block ends where Manager ends it, with an empty line in CRLF. Values with line feeds of their own are part of it
 * (Asterisk writes them raw: main/manager.c, `astman_append`); empty lines among those are removed, because everyone
 * else reads one as the end of the block.
 */
export class AmiFramer {
  readonly #maxBlockBytes: number;
  /** The unfinished block is the first `#length` bytes. */
  #buffer = Buffer.alloc(0);
  #length = 0;
  #isGreeted = false;

  constructor(maxBlockBytes = MAX_BLOCK_BYTES) {
    this.#maxBlockBytes = maxBlockBytes;
  }

  /**
   * The blocks that this chunk completes, each with its line ends. The first is the greeting, which is one line.
   * @throws SourceError when this is not Manager, or a line or block does not end
   */
  *feed(chunk: Buffer): Generator<Buffer> {
    // A block end may begin in what was there before.
    let searchFrom = Math.max(0, this.#length - BLOCK_END.length + 1);
    this.#append(chunk);
    const bytes = this.#buffer.subarray(0, this.#length);
    let from = 0;
    for (;;) {
      const mark = this.#isGreeted ? BLOCK_END : LINE_END;
      const end = bytes.indexOf(mark, searchFrom);
      if (end < 0) break;
      searchFrom = end + mark.length;
      const block = Buffer.from(bytes.subarray(from, searchFrom));
      from = searchFrom;
      if (!this.#isGreeted) this.#greet(block);
      yield this.#isGreeted ? withoutEmptyLines(this.#checked(block)) : block;
      this.#isGreeted = true;
    }
    bytes.copyWithin(0, from);
    this.#length -= from;
    if (!this.#isGreeted) this.#greet(bytes.subarray(0, this.#length));
    this.#checked(bytes.subarray(0, this.#length));
  }

  #append(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.#length);
    this.#length = needed;
  }

  /** @throws SourceError when the first bytes cannot be those of Manager's greeting */
  #greet(start: Buffer): void {
    const length = Math.min(start.length, GREETING.length);
    if (!start.subarray(0, length).equals(GREETING.subarray(0, length)) || start.length > 256)
      throw new SourceError({
        code: "protocol",
        message:
          "it does not greet as 'Asterisk Call Manager': this is not Manager's port (manager.conf: port)",
      });
  }

  #checked(block: Buffer): Buffer {
    if (block.length <= this.#maxBlockBytes) return block;
    throw new SourceError({
      code: "too-large",
      message: `a block has more than ${this.#maxBlockBytes} bytes, which Manager's never have`,
    });
  }
}

/** The relay reads a line of nothing but these as empty (shared/ami/amiParser.ts). */
const EMPTY_LINES = /\n(?:[\r\0]*\n)+/;
const EVERY_EMPTY_LINE = new RegExp(EMPTY_LINES, "g");
const OUTER_EMPTY_LINES = /^(?:[\r\0]*\n)+|\n[\r\0]*$/g;

function withoutEmptyLines(block: Buffer): Buffer {
  const body = block.toString("latin1", 0, block.length - BLOCK_END.length);
  if (!EMPTY_LINES.test(body) && body.search(OUTER_EMPTY_LINES) < 0) return block;
  const text = body.replace(EVERY_EMPTY_LINE, "\n").replace(OUTER_EMPTY_LINES, "");
  return Buffer.from(`${text}\r\n\r\n`, "latin1");
}
