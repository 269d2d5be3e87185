import type { Socket } from "node:net";

/** Longer heads are passed to the HTTP client, which refuses them. */
const MAX_HEAD_BYTES = 16_384;

/**
 * Of all interim responses to one request: about 1,500 small ones. An endpoint that floods the relay with them would take
 * its time from the other endpoints.
 */
const MAX_INTERIM_BYTES = 65_536;

/** `HTTP/1.1 100`: enough to recognise a response. */
const STATUS_LINE = /^HTTP\/\d\.\d (\d{3})/;
const STATUS_LINE_BYTES = 12;

const NOTHING = Buffer.alloc(0);

/**
 * Removes `100 Continue` responses from what a connection receives. undici destroys the connection at a 100, but a
 * client must be able to parse any number of 1xx responses of any kind before the final one (RFC 9110 15.2). undici
 * knows the other 1xx, so they pass. A connection carries one request at a time.
 */
export class InterimResponses {
  #isAwaitingHead = false;
  #held: Buffer = NOTHING;
  #interimBytes = 0;

  /** Removes 100 responses from the socket's reads from now on. Closes the connection when there are far too many. */
  watch(socket: Socket): void {
    this.#isAwaitingHead = false;
    this.#held = NOTHING;
    const read = socket.read.bind(socket);
    socket.read = (size) => {
      for (let chunk = read(size); chunk !== null; chunk = read(size)) {
        const passed = this.pass(chunk);
        if (this.#interimBytes > MAX_INTERIM_BYTES) {
          socket.destroy(new Error("too many interim responses"));
          return null;
        }
        if (passed.length > 0) return passed;
      }
      return null;
    };
  }

  /** Call this when a request is about to be written. */
  expectResponse(): void {
    this.#isAwaitingHead = true;
    this.#held = NOTHING;
    this.#interimBytes = 0;
  }

  /** Returns the received bytes that pass. An incomplete head is held back. */
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
      this.#interimBytes += head;
      rest = rest.subarray(head);
    }
    this.#isAwaitingHead = false;
    this.#held = NOTHING;
    return Buffer.concat([...passed, rest]);
  }
}

/** Whether the text can become a status line with more bytes. */
function isBeginning(text: string): boolean {
  return STATUS_LINE.test(text + "HTTP/1.1 100".slice(text.length));
}

/** The end of the head's empty line; -1 when it has not arrived yet. */
function endOfHead(bytes: Buffer): number {
  const end = bytes.indexOf("\r\n\r\n");
  return end < 0 ? -1 : end + 4;
}
