import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { listenLocally } from "../../../test/support/asterisk/listenLocally.ts";
import { eventually } from "../../../test/support/eventually.ts";

const PLAYED = /^\{"played":(\d+),/;

/** Takes events as the relay does, and keeps only their numbers: the bridge is measured, not the relay. */
export class RelaySink implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;
  /** When each event was answered for, by its number. */
  readonly answeredAtEpochMillis: number[] = [];
  requests = 0;
  /** Events that were lost, doubled or out of order. */
  problems: string[] = [];

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
    server.on("request", (request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<RelaySink> {
    const server = createServer();
    return new RelaySink(server, await listenLocally(server, 0));
  }

  async until(count: number, withinMillis: number): Promise<void> {
    await eventually(`${count} events`, () => this.answeredAtEpochMillis.length >= count, withinMillis);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await buffer(request);
    const isZipped = request.headers["content-encoding"] === "gzip";
    const lines = (isZipped ? gunzipSync(bytes) : bytes).toString().split("\n").filter(Boolean);
    this.requests += 1;
    response.writeHead(202, { "content-type": "application/json" });
    response.end(
      JSON.stringify({ accepted: lines.length, duplicates: 0, refused: [], first: null, last: null }),
    );
    const now = Date.now();
    for (const line of lines) {
      const number = PLAYED.exec(line)?.[1];
      if (number === undefined) continue;
      const expected = this.answeredAtEpochMillis.length;
      if (Number(number) !== expected) this.problems.push(`${number} came instead of ${expected}`);
      this.answeredAtEpochMillis.push(now);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }
}
