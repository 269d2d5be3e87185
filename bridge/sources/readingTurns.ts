/** What of a socket can be read before the rest of the process has its turn. It comes in pieces of 64 KiB at most. */
const BYTES_A_TURN = 32 * 1024;

/** The part of a socket, or of a WebSocket, that is needed here. */
export interface Readable {
  pause(): void;
  resume(): void;
}

/**
 * Lets timers and other sockets have their turn while a PBX sends a flood. Without it, libuv reads a socket up to 32
 * times in a row, 64 KiB each (`uv__read` in src/unix/stream.c): 3,500 events, in which nothing else of the process runs.
 * Reading goes on in the same turn of the event loop, so it never waits for anything outside the process.
 */
export class ReadingTurns {
  readonly #socket: Readable;
  #bytes = 0;
  #isPaused = false;

  constructor(socket: Readable) {
    this.#socket = socket;
  }

  /** So many bytes were read. */
  read(bytes: number): void {
    if (this.#bytes === 0) setImmediate(() => this.#next());
    this.#bytes += bytes;
    if (this.#bytes < BYTES_A_TURN || this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  #next(): void {
    this.#bytes = 0;
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }
}
