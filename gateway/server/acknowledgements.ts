import type { Socket } from "node:net";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { ReadSendQueues } from "./sendQueues.ts";
import { SentBytes, type SentBytesParts } from "./sentBytes.ts";

export interface AcknowledgementsParts {
  readonly read: ReadSendQueues;
  readonly clock: Clock;
  readonly log: Log;
  /** A client that acknowledges nothing for this long is dead. */
  readonly stalledAfterMillis: number;
}

interface Watched {
  readonly sent: SentBytes;
  readonly onStalled: () => void;
}

type Queues = Awaited<ReturnType<ReadSendQueues>>;

const LOOK_EVERY_MILLIS = 2_000;

/** Asks the kernel what clients have acknowledged: one read every two seconds for all connections that wait for it. */
export class Acknowledgements {
  readonly #parts: AcknowledgementsParts;
  readonly #watched = new Set<Watched>();
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  /** The looks at connections that have ended, which one read answers. */
  #ended: { readonly keys: Set<string>; readonly queues: Promise<Queues> } | undefined;
  #lastRead: Promise<unknown> = Promise.resolve();
  /** Whether the kernel told anything of any connection. */
  #hasFound = false;
  #hasWarned = false;

  constructor(parts: AcknowledgementsParts) {
    this.#parts = parts;
    this.#running = this.#run();
  }

  /** Watches a socket until it is closed. `onStalled` is called at each look until then. */
  watch(socket: Socket, on: Pick<SentBytesParts, "onConfirmed"> & Pick<Watched, "onStalled">): SentBytes {
    const sent = new SentBytes({ socket, clock: this.#parts.clock, onConfirmed: on.onConfirmed });
    const watched = { sent, onStalled: on.onStalled };
    this.#watched.add(watched);
    socket.once("close", () => this.#watched.delete(watched));
    return sent;
  }

  /**
   * Whether the client of a closed connection has acknowledged its end, and so everything before it. False where that
   * cannot be known.
   */
  async isFinished({ key }: SentBytes): Promise<boolean> {
    if (key === undefined) return false;
    const ended = this.#ended ?? this.#lookAtEnded();
    ended.keys.add(key);
    return (await ended.queues)?.get(key)?.isFinished ?? false;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#parts.clock.sleep(LOOK_EVERY_MILLIS, signal);
      if (!signal.aborted) await this.#look();
    }
  }

  async #look(): Promise<void> {
    const looks = new Map<string, { watched: Watched; written: number }>();
    for (const watched of this.#watched) {
      const { sent } = watched;
      // Addresses and ports that are in use again belong to the later connection.
      if (sent.isWaiting && sent.key !== undefined) looks.set(sent.key, { watched, written: sent.written });
    }
    if (looks.size === 0) return;
    const queues = await this.#read(new Set(looks.keys()));
    for (const [key, { watched, written }] of looks) {
      if (!this.#watched.has(watched)) continue;
      if (queues?.has(key)) this.#hasFound = true;
      else if (!this.#hasFound) this.#warn();
      watched.sent.look(written, queues?.get(key));
      if (watched.sent.waitedMillis >= this.#parts.stalledAfterMillis) watched.onStalled();
    }
  }

  /** Connections that end while the table is read share the next read. */
  #lookAtEnded() {
    const keys = new Set<string>();
    const queues = this.#lastRead.then(() => {
      this.#ended = undefined;
      return this.#read(keys);
    });
    this.#lastRead = queues;
    this.#ended = { keys, queues };
    return this.#ended;
  }

  /** Never rejects. */
  async #read(keys: ReadonlySet<string>): Promise<Queues> {
    try {
      return await this.#parts.read(keys);
    } catch (error) {
      this.#warn(error);
      return undefined;
    }
  }

  /** Once: what it means does not change. */
  #warn(error?: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#parts.log.warn(
      "this system does not tell what AMI clients have acknowledged; positions follow what clients send",
      { error },
    );
  }
}
