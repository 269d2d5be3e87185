import { setTimeout as pause } from "node:timers/promises";
import { type ChainState, checkLink } from "../../client/index.ts";
import { type Answer, NodeReceiver, type RawWebhook } from "../../client/nodeReceiver.ts";

type OnReceipt = (path: string, first: number, last: number) => void;

/** One HTTP server for all sessions of a scenario. Each session has its own path and must get every number. */
export class Receiver implements AsyncDisposable {
  readonly #server: NodeReceiver;
  readonly #onReceipt: OnReceipt;
  readonly #answerAfterMillis: number;
  /** The position of each path in the chain. */
  readonly #chains = new Map<string, ChainState>();
  #awaited: { paths: number; last: number; done: () => void } | undefined;
  requests = 0;
  /** Paths whose requests never get a response. */
  readonly hanging = new Set<string>();
  /** Requests that never got a response. */
  unanswered = 0;
  failures: string[] = [];

  private constructor(server: NodeReceiver, onReceipt: OnReceipt, answerAfterMillis: number) {
    this.#server = server;
    this.#onReceipt = onReceipt;
    this.#answerAfterMillis = answerAfterMillis;
  }

  static async start(onReceipt: OnReceipt = () => {}, answerAfterMillis = 0): Promise<Receiver> {
    const server = await NodeReceiver.start({ answer: (webhook) => receiver.#answer(webhook) });
    const receiver = new Receiver(server, onReceipt, answerAfterMillis);
    return receiver;
  }

  /** `host` is any name below `localhost`. To the relay each is a separate origin. */
  url(path: string, host?: string): string {
    return this.#server.url(path, host);
  }

  /** Resolves when `sessions` paths have received everything up to `last`. */
  received(sessions: number, last: number): Promise<void> {
    return new Promise((done) => {
      this.#awaited = { paths: sessions, last, done };
      this.#check();
    });
  }

  async #answer({ path, body }: RawWebhook): Promise<Answer> {
    if (this.hanging.has(path)) {
      this.unanswered += 1;
      return new Promise(() => {});
    }
    this.#receive(path, body);
    if (this.#answerAfterMillis > 0) await pause(this.#answerAfterMillis);
    return { status: 200 };
  }

  /** Reads only the numbers, because parsing and verifying the rest would be measured too. */
  #receive(path: string, body: string): void {
    this.requests += 1;
    const numbers =
      /"epoch":(\d+),"first":(\d+),"last":(\d+),"previous":(\d+)/.exec(body.slice(0, 400)) ?? [];
    const [epoch = 0, first = 0, last = 0, previous = 0] = numbers.slice(1).map(Number);
    const before = this.#chains.get(path);
    const { kind, state } = checkLink(before, { epoch, last, previous });
    if (kind !== "next") this.failures.push(`${path}: ${previous} follows ${before?.last}`);
    this.#chains.set(path, state);
    this.#onReceipt(path, first, last);
    this.#check();
  }

  #check(): void {
    if (this.#awaited === undefined) return;
    const { paths, last, done } = this.#awaited;
    const complete = [...this.#chains.values()].filter((state) => state.last >= last).length;
    if (complete >= paths) done();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}
