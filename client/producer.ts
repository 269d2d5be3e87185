import { RelayCallError } from "./relayCallError.ts";
import { type Event, eventLine, type RelayClient } from "./relayClient.ts";
import type { AppendResult } from "./types.ts";

/** The relay takes 1 MiB in one request. */
const MAX_BATCH_BYTES = 1_000_000;

export interface ProducerOptions {
  readonly client: Pick<RelayClient, "append">;
  readonly feed: string;
  /** Names this producer within the feed. One that begins to count anew must take a new name. */
  readonly producer: string;
  /** Of the next event; 1 if absent. After a restart: the position of the first event that was not accepted. */
  readonly position?: number;
  /** Events in one request, at most. */
  readonly maxBatch?: number;
  /** How long an event may wait for others to share its request. A page of one event costs as much as one of 50. */
  readonly lingerMillis?: number;
  /** Events that may wait to be accepted. */
  readonly maxWaiting?: number;
  /** After a failure: a random time below `first`, then below twice as much, and so on up to `most`. */
  readonly backoffMillis?: { readonly first: number; readonly most: number };
  /** Ends the resending. What was not accepted by then is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Resolves after a time, or once the signal aborts. */
  readonly sleep?: (millis: number, signal?: AbortSignal) => Promise<void>;
  /** A number in [0, 1). */
  readonly random?: () => number;
}

/** What became of an event. Its position is used up in either case. */
export interface Sent {
  readonly position: number;
  /** Its number in the feed; undefined when it was refused, or when the answer does not tell it. */
  readonly sequence: number | undefined;
  /** Why the relay refused it. */
  readonly refused: string | undefined;
}

export interface ProducerCounts {
  /** Events that are in the feed, duplicates included. */
  readonly accepted: number;
  /** Accepted events that the relay had appended before: a resend after a lost answer. */
  readonly duplicates: number;
  readonly refused: number;
  /** Requests that had to be repeated. */
  readonly resends: number;
}

interface Waiting {
  readonly line: string;
  readonly bytes: number;
  readonly position: number;
  accepted(sent: Sent): void;
  failed(error: unknown): void;
}

/**
 * Appends events to a feed in order, each once, whatever happens on the way: events that wait share a request, one
 * request is under way at a time, and it is repeated with the same positions until the relay answers it.
 *
 * A failure that repeating cannot heal, such as a wrong key, ends the producer: a later event must not overtake an earlier
 * one. Make a new one at the position of the first event that was not accepted.
 */
export class Producer {
  readonly #options: Required<Omit<ProducerOptions, "signal" | "position">> & {
    signal: AbortSignal | undefined;
  };
  readonly #waiting: Waiting[] = [];
  #position: number;
  #running = false;
  #failure: { readonly error: unknown } | undefined;
  #counts: ProducerCounts = { accepted: 0, duplicates: 0, refused: 0, resends: 0 };

  constructor({ position = 1, signal, ...options }: ProducerOptions) {
    this.#options = { ...DEFAULTS, ...options, signal };
    this.#position = position;
  }

  /** The position that the next event gets. */
  get position(): number {
    return this.#position;
  }

  get counts(): ProducerCounts {
    return this.#counts;
  }

  /**
   * Resolves once the relay has the event. Rejects at once, without using up a position, when too many events wait:
   * whoever cannot wait decides what to drop.
   */
  async send(event: Event): Promise<Sent> {
    const [sent] = await this.sendAll([event]);
    if (sent === undefined) throw new Error("an event was neither accepted nor refused");
    return sent;
  }

  /** `send` for events that belong together; they share a request if they fit into one. */
  async sendAll(events: readonly Event[]): Promise<Sent[]> {
    if (this.#failure) throw this.#failure.error;
    const lines = events.map((event) => {
      const line = eventLine(event);
      const bytes = new TextEncoder().encode(line).length + 1;
      if (bytes > MAX_BATCH_BYTES) throw new RangeError(`an event of ${bytes} bytes fits into no request`);
      return { line, bytes };
    });
    if (this.#waiting.length + lines.length > this.#options.maxWaiting)
      throw new RangeError(`more than ${this.#options.maxWaiting} events would wait`);
    const sent = lines.map((each) => this.#enqueue(each));
    void this.#run();
    return Promise.all(sent);
  }

  #enqueue(line: Pick<Waiting, "line" | "bytes">): Promise<Sent> {
    const position = this.#position;
    this.#position += 1;
    return new Promise((accepted, failed) => this.#waiting.push({ ...line, position, accepted, failed }));
  }

  /** Sends what waits, one request after the other, until nothing does. */
  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { maxBatch, lingerMillis, sleep, signal } = this.#options;
    try {
      while (this.#waiting.length > 0) {
        if (lingerMillis > 0 && this.#waiting.length < maxBatch) await sleep(lingerMillis, signal);
        const batch = this.#nextBatch();
        this.#settle(batch, await this.#sendUntilAnswered(batch));
        this.#waiting.splice(0, batch.length);
      }
    } catch (error) {
      this.#failure = { error };
      for (const { failed } of this.#waiting.splice(0)) failed(error);
    } finally {
      this.#running = false;
    }
  }

  /** Stays in the queue until it is answered: it counts as waiting. */
  #nextBatch(): readonly Waiting[] {
    let bytes = 0;
    const end = this.#waiting.findIndex((each, index) => {
      bytes += each.bytes;
      return index === this.#options.maxBatch || bytes > MAX_BATCH_BYTES;
    });
    return this.#waiting.slice(0, end < 0 ? undefined : end);
  }

  async #sendUntilAnswered(batch: readonly Waiting[]): Promise<AppendResult> {
    const { client, feed, producer, signal, sleep, random, backoffMillis } = this.#options;
    const lines = batch.map(({ line }) => line);
    const position = batch[0]?.position ?? this.#position;
    for (let failures = 0; ; failures += 1) {
      signal?.throwIfAborted();
      try {
        return await client.append(feed, lines, { producer, position });
      } catch (error) {
        if (!(error instanceof RelayCallError)) throw error;
        const allRefused = refusalOfAll(error, lines.length);
        if (allRefused) return allRefused;
        if (!error.retryable) throw error;
        this.#count({ resends: 1 });
        const millis = random() * Math.min(backoffMillis.most, backoffMillis.first * 2 ** failures);
        await sleep(Math.max(millis, error.retryAfterMillis ?? 0), signal);
      }
    }
  }

  #settle(batch: readonly Waiting[], { first, last, duplicates, refused }: AppendResult): void {
    const reasons = new Map(refused.map(({ index, error }) => [index, error]));
    const kept = batch.length - reasons.size;
    this.#count({ accepted: kept, duplicates, refused: reasons.size });
    // Numbers follow on each other unless the batch was torn, by a page's end or by an earlier request.
    const known = first !== null && last !== null && last - first + 1 === kept;
    let sequence = known ? first : undefined;
    batch.forEach(({ position, accepted }, index) => {
      const reason = reasons.get(index);
      accepted({ position, sequence: reason === undefined ? sequence : undefined, refused: reason });
      if (reason === undefined && sequence !== undefined) sequence += 1;
    });
  }

  #count(more: Partial<ProducerCounts>): void {
    const { accepted, duplicates, refused, resends } = this.#counts;
    this.#counts = {
      accepted: accepted + (more.accepted ?? 0),
      duplicates: duplicates + (more.duplicates ?? 0),
      refused: refused + (more.refused ?? 0),
      resends: resends + (more.resends ?? 0),
    };
  }
}

/** The relay answers 422 when it refuses every event of a request. To the producer that is an answer like any other. */
function refusalOfAll({ status, refused }: RelayCallError, count: number): AppendResult | undefined {
  if (status !== 422 || refused.length !== count) return undefined;
  return { first: null, last: null, accepted: 0, duplicates: 0, refused };
}

const DEFAULTS = {
  maxBatch: 100,
  lingerMillis: 20,
  maxWaiting: 10_000,
  backoffMillis: { first: 200, most: 10_000 },
  sleep: (millis: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, millis);
      signal?.addEventListener("abort", done, { once: true });
    }),
  random: Math.random,
};
