import type { Socket } from "node:net";

/** Longer heads are left to the HTTP client, which refuses them. */
const MAX_HEAD_BYTES = 16_384;

/** `HTTP/1.1 100`: enough to tell what a response is. */
const STATUS_LINE = /^HTTP\/\d\.\d (\d{3})/;
const STATUS_LINE_BYTES = 12;

const NOTHING = Buffer.alloc(0);

/**
 * Takes `100 Continue` responses out of what a connection receives. undici takes a 100 that it did not ask for for a
 * broken response, but a client must be able to parse any number of 1xx responses, of any kind, before the final one
 * (RFC 9110 15.2). The other 1xx pass: undici knows them. A connection carries one request at a time.
 */
export class InterimResponses {
  #isAwaitingHead = false;
  #held: Buffer = NOTHING;

  /** From now on the socket's reads are without 100 responses. */
  watch(socket: Socket): void {
    this.#isAwaitingHead = false;
    this.#held = NOTHING;
    const read = socket.read.bind(socket);
    socket.read = (size) => {
      for (let chunk = read(size); chunk !== null; chunk = read(size)) {
        const passed = this.pass(chunk);
        if (passed.length > 0) return passed;
      }
      return null;
    };
  }

  /** A request is about to be written. */
  expectResponse(): void {
    this.#isAwaitingHead = true;
    this.#held = NOTHING;
  }

  /** What of the bytes received goes on. A head that is not whole yet is held back. */
  pass(chunk: Buffer): Buffer {
    if (!this.#isAwaitingHead) return chunk;
    const passed: Buffer[] = [];
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (;;) {
      const text = rest.subarray(0, STATUS_LINE_BYTES).toString("latin1");
      const status = STATUS_LINE.exec(text)?.[1];
      const isInterim = status?.startsWith("1") && status !== "101";
      if (!isInterim && (status !== undefined || !isBeginning(text))) break;
      const head = status === undefined ? -1 : endOfHead(rest);
      if (head < 0 && rest.length <= MAX_HEAD_BYTES) {
        this.#held = rest;
        return Buffer.concat(passed);
      }
      if (head < 0) break;
      if (status !== "100") passed.push(rest.subarray(0, head));
      rest = rest.subarray(head);
    }
    this.#isAwaitingHead = false;
    this.#held = NOTHING;
    return Buffer.concat([...passed, rest]);
  }
}

/** Whether more bytes could make a status line of the text. */
function isBeginning(text: string): boolean {
  return STATUS_LINE.test(text + "HTTP/1.1 100".slice(text.length));
}

/** Where the head's empty line ends; -1 when it has not come yet. */
function endOfHead(bytes: Buffer): number {
  const end = bytes.indexOf("\r\n\r\n");
  return end < 0 ? -1 : end + 4;
}
