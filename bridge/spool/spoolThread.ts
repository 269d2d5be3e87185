import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type {
  Acknowledgement,
  Appended,
  AsyncSpool,
  ReadLimit,
  SpoolBatch,
  SpoolMeasure,
  SpoolRecord,
} from "../spool.ts";
import type { MemoryChanges } from "../truth/memory.ts";
import type { OpenSpoolOptions } from "./openSpool.ts";
import { memoryOf, packRecords, unpackRecords } from "./packing.ts";
import { SpoolError } from "./spoolError.ts";
import type { Request, Response, Result, Task } from "./threadMessages.ts";

export interface ThreadSpoolOptions extends OpenSpoolOptions {
  /** A damaged file was moved aside. The spool goes on with a new file, which begins with a gap record. */
  onCorrupt?(moved: { readonly movedTo: string; readonly message: string }): void;
}

interface Answer {
  readonly result: Result;
  readonly measure: SpoolMeasure | undefined;
}

/**
 * The spools of a process, in one thread beside the event loop. A disk that takes 100 ms for a write (an SD card, a busy
 * virtual disk) delays the spools, and never the reading of a PBX.
 */
export class SpoolThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: unknown): void }>();
  readonly #onCorrupt = new Map<number, ThreadSpoolOptions["onCorrupt"]>();
  #calls = 0;
  #spools = 0;
  #ended: SpoolError | undefined;
  readonly #failure = Promise.withResolvers<SpoolError>();
  #isStopping = false;

  constructor() {
    this.#worker = new Worker(new URL(`./threadMain${extname(import.meta.url)}`, import.meta.url), {
      name: "spool",
      // A spool reads 1 MiB at a time and keeps nothing else.
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    });
    this.#worker.on("message", (response: Response) => this.#answered(response));
    this.#worker.on("error", (error) => this.#end(`the spools' thread failed: ${String(error)}`));
    this.#worker.on("exit", () => this.#end("the spools' thread has ended"));
  }

  /** Resolves when the thread has ended although nobody stopped it. No spool of it works any more. */
  get failed(): Promise<SpoolError> {
    return this.#failure.promise;
  }

  /** Opens a feed's spool, or makes it. @throws SpoolError, see `openSpool` */
  async open({ onCorrupt, ...options }: ThreadSpoolOptions): Promise<AsyncSpool> {
    this.#spools += 1;
    const number = this.#spools;
    this.#onCorrupt.set(number, onCorrupt);
    const { measure } = await this.#ask(number, { kind: "open", options });
    if (measure === undefined) throw new SpoolError("closed", "the spool did not open");
    return new ThreadSpool((task) => this.#ask(number, task), measure);
  }

  /** Ends the thread. Close the spools before. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    this.#isStopping = true;
    const exit = once(this.#worker, "exit");
    await this.#worker.terminate();
    await exit;
  }

  #ask(spool: number, task: Task): Promise<Answer> {
    if (this.#ended) return Promise.reject(this.#ended);
    this.#calls += 1;
    const call = this.#calls;
    const request: Request = { call, spool, task };
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      this.#worker.postMessage(request, task.kind === "append" ? memoryOf(task.records) : []);
    });
  }

  #answered(response: Response): void {
    if (!("call" in response)) {
      this.#onCorrupt.get(response.spool)?.(response);
      return;
    }
    const waiting = this.#waiting.get(response.call);
    this.#waiting.delete(response.call);
    if ("result" in response) waiting?.resolve(response);
    else {
      const { reason, message, facts } = response.error;
      waiting?.reject(
        reason === undefined ? new Error(message) : new SpoolError(reason, message, { ...facts }),
      );
    }
  }

  #end(message: string): void {
    this.#ended ??= new SpoolError("closed", message);
    if (!this.#isStopping) this.#failure.resolve(this.#ended);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}

class ThreadSpool implements AsyncSpool {
  readonly #ask: (task: Task) => Promise<Answer>;
  #measure: SpoolMeasure;

  constructor(ask: (task: Task) => Promise<Answer>, measure: SpoolMeasure) {
    this.#ask = ask;
    this.#measure = measure;
  }

  async append(records: readonly SpoolRecord[], changes: MemoryChanges = new Map()): Promise<Appended> {
    const result = await this.#perform({ kind: "append", records: packRecords(records), changes });
    return result.kind === "appended" ? result.appended : { dropped: 0 };
  }

  async memory(): Promise<ReadonlyMap<string, string>> {
    const result = await this.#perform({ kind: "memory" });
    return result.kind === "memory" ? result.memory : new Map();
  }

  async read(limit: ReadLimit): Promise<SpoolBatch> {
    const result = await this.#perform({ kind: "read", limit });
    if (result.kind !== "batch") throw new TypeError("the spools' thread answered something else");
    return { ...result.batch, records: unpackRecords(result.batch.records) };
  }

  async acknowledge(answer: Acknowledgement): Promise<void> {
    await this.#perform({ kind: "acknowledge", answer });
  }

  async renewProducer(): Promise<void> {
    await this.#perform({ kind: "renewProducer" });
  }

  measure(): SpoolMeasure {
    return this.#measure;
  }

  async close(): Promise<void> {
    await this.#perform({ kind: "close" });
  }

  async #perform(task: Task): Promise<Result> {
    const { result, measure } = await this.#ask(task);
    if (measure !== undefined) this.#measure = measure;
    return result;
  }
}
