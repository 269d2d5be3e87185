import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** One HTTP server for all sessions of a scenario; each session has a path of its own and must get every number. */
export class Receiver implements AsyncDisposable {
  readonly #server: Server;
  /** Per path the last number received. */
  readonly #last = new Map<string, number>();
  readonly #onReceipt: (path: string, first: number, last: number) => void;
  #awaited: { path: number; last: number; done: () => void } | undefined;
  requests = 0;
  /** Paths whose requests are taken and never answered. */
  readonly hanging = new Set<string>();
  /** Requests that were never answered. */
  unanswered = 0;
  failures: string[] = [];

  private constructor(
    onReceipt: (path: string, first: number, last: number) => void,
    answerAfterMillis: number,
  ) {
    this.#onReceipt = onReceipt;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        if (this.hanging.has(request.url ?? "")) {
          this.unanswered += 1;
          return;
        }
        this.#receive(request.url ?? "", Buffer.concat(chunks).toString("utf8", 0, 400));
        if (answerAfterMillis === 0) response.end();
        else setTimeout(() => response.end(), answerAfterMillis);
      });
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  static async start(
    onReceipt: (path: string, first: number, last: number) => void = () => {},
    answerAfterMillis = 0,
  ): Promise<Receiver> {
    const receiver = new Receiver(onReceipt, answerAfterMillis);
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  /** `host` is any name below `localhost`: each is an origin of its own to the relay. */
  url(path: string, host = "127.0.0.1"): string {
    return `http://${host}:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Resolves when `sessions` paths have received everything up to `last`. */
  received(sessions: number, last: number): Promise<void> {
    return new Promise((done) => {
      this.#awaited = { path: sessions, last, done };
      this.#check();
    });
  }

  #receive(path: string, head: string): void {
    this.requests += 1;
    const [, firstText, lastText, previousText] =
      /"first":(\d+),"last":(\d+),"previous":(\d+)/.exec(head) ?? [];
    const [first, last, previous] = [Number(firstText), Number(lastText), Number(previousText)];
    const before = this.#last.get(path);
    if (before !== undefined && previous !== before)
      this.failures.push(`${path}: ${previous} follows ${before}`);
    this.#last.set(path, last);
    this.#onReceipt(path, first, last);
    this.#check();
  }

  #check(): void {
    if (this.#awaited === undefined) return;
    const { path, last, done } = this.#awaited;
    const complete = [...this.#last.values()].filter((received) => received >= last).length;
    if (complete >= path) done();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
