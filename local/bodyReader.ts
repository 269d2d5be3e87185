import type { IncomingMessage } from "node:http";

/** A body, or why there is none. */
export type ReadBody = Buffer | "too-large" | "given-up";

interface Reading {
  bytes: number;
  giveUp(): void;
}

/**
 * Reads request bodies within a limit for each and one for all together. When all together need more, the largest
 * unfinished one is given up: whoever sends little is not held up by who sends much.
 */
export class BodyReader {
  readonly #limits: { readonly bodyBytes: number; readonly totalBytes: number };
  readonly #reading = new Set<Reading>();
  #totalBytes = 0;

  constructor(limits: { bodyBytes: number; totalBytes: number }) {
    this.#limits = limits;
  }

  async read(request: IncomingMessage): Promise<ReadBody> {
    if (Number(request.headers["content-length"] ?? 0) > this.#limits.bodyBytes) return "too-large";
    const { promise, resolve, reject } = Promise.withResolvers<ReadBody>();
    const chunks: Buffer[] = [];
    const reading: Reading = { bytes: 0, giveUp: () => resolve("given-up") };
    const onData = (chunk: Buffer) => {
      reading.bytes += chunk.length;
      this.#totalBytes += chunk.length;
      chunks.push(chunk);
      if (reading.bytes > this.#limits.bodyBytes) resolve("too-large");
      else if (this.#totalBytes > this.#limits.totalBytes) this.#giveUpLargest();
    };
    this.#reading.add(reading);
    request.on("data", onData);
    request.once("end", () => resolve(Buffer.concat(chunks, reading.bytes)));
    request.once("error", reject);
    request.once("close", () => reject(new Error("the client went away")));
    try {
      return await promise;
    } finally {
      request.off("data", onData);
      this.#forget(reading);
    }
  }

  #giveUpLargest(): void {
    const [largest] = [...this.#reading].sort((a, b) => b.bytes - a.bytes);
    if (largest === undefined) return;
    this.#forget(largest);
    largest.giveUp();
  }

  #forget(reading: Reading): void {
    if (this.#reading.delete(reading)) this.#totalBytes -= reading.bytes;
  }
}
