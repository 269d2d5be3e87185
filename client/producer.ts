import { RelayCallError } from "./relayCallError.ts";
import { type Event, eventLine, type RelayClient } from "./relayClient.ts";
import type { AppendResult } from "./types.ts";

/** The relay accepts 1 MiB per request. */
const MAX_BATCH_BYTES = 1_000_000;

export interface ProducerOptions {
  readonly client: Pick<RelayClient, "append">;
  readonly feed: string;
  /** The producer's name within the feed. A producer that restarts its count at 1 must take a new name. */
  readonly producer: string;
  /**
   * Pass it only to go on under a name that was used before: the position of the first event that the relay has not
   * answered for. A new name begins at 1.
   */
  readonly position?: number;
  /** Most events per request; 100 if absent. */
  readonly maxBatch?: number;
  /**
   * How long an event waits for others to share its request; 20 ms if absent. A page of one event costs as much as a page
   * of 50.
   */
  readonly lingerMillis?: number;
  /** Most events that may wait to be accepted; 10,000 if absent. */
  readonly maxWaiting?: number;
  /** Full jitter: a random wait below `first`, then below twice that, and so on up to `most`. 200 and 10,000 if absent. */
  readonly backoffMillis?: { readonly first: number; readonly most: number };
  /** Stops resending. Events not accepted by then are rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Resolves after the time, or once the signal aborts. Replaceable for tests. */
  readonly sleep?: (millis: number, signal?: AbortSignal) => Promise<void>;
  /** Returns a number in [0, 1). Replaceable for tests. */
  readonly random?: () => number;
}

/** The result for one event. */
export interface Sent {
  /** The position that it was sent with. If the relay refuses a whole request, the events that follow take its positions. */
  readonly position: number;
  /** The event's sequence number. Undefined if the event was refused, or if the response does not reveal the number. */
  readonly sequence: number | undefined;
  /** Why the relay refused the event; undefined if it was accepted. */
  readonly refused: string | undefined;
}

export interface ProducerCounts {
  /** Events in the feed, duplicates included. */
  readonly accepted: number;
  /** Accepted events that were already in the feed when they were resent after a lost response. */
  readonly duplicates: number;
  readonly refused: number;
  /** Requests that were retried. */
  readonly resends: number;
}

interface Waiting {
  readonly line: string;
  readonly bytes: number;
  accepted(sent: Sent): void;
  failed(error: unknown): void;
}

/**
 * Appends events to a feed in order, each exactly once. Waiting events share a request. One request is in flight at a
 * time. A failed request is retried with the same positions until the relay responds, so the relay recognises duplicates.
 * Positions are given when a request is made: a 422 uses up none, and whatever comes next must not look like a jump.
 *
 * A failure that no retry can fix, such as a wrong key, ends the producer: every later `send` rejects, because a later
 * event must not overtake an earlier one. Create a new producer at the position of the first event not yet accepted.
 *
 *     const producer = new Producer({ client, feed: "pbx-1", producer: "bridge-1" });
 *     const { sequence, refused } = await producer.send({ type: "ChannelCreated" });
 */
export class Producer {
  readonly #options: Required<Omit<ProducerOptions, "signal" | "position">> & {
    signal: AbortSignal | undefined;
  };
  readonly #waiting: Waiting[] = [];
  #position: number;
  /** Somebody may have sent events at this position and beyond, under the same name, before this producer began. */
  #isInDoubt: boolean;
  #running = false;
  #failure: { readonly error: unknown } | undefined;
  #counts: ProducerCounts = { accepted: 0, duplicates: 0, refused: 0, resends: 0 };

  constructor({ position, signal, ...options }: ProducerOptions) {
    this.#options = { ...DEFAULTS, ...options, signal };
    this.#position = position ?? 1;
    this.#isInDoubt = position !== undefined;
  }

  /** The position of the first event that the relay has not answered for. */
  get position(): number {
    return this.#position;
  }

  get counts(): ProducerCounts {
    return this.#counts;
  }

  /**
   * Resolves once the relay has stored or refused the event. Rejects at once, without using up a position, when too many
   * events wait (`maxWaiting`): the caller decides which events to drop.
   */
  async send(event: Event): Promise<Sent> {
    const [sent] = await this.sendAll([event]);
    if (sent === undefined) throw new Error("an event was neither accepted nor refused");
    return sent;
  }

  /** `send` for several events at once. They share a request if they fit into one. */
  async sendAll(events: readonly Event[]): Promise<Sent[]> {
    if (this.#failure) throw this.#failure.error;
    const lines = events.map((event) => {
      const line = eventLine(event);
      const bytes = new TextEncoder().encode(line).length + 1;
      if (bytes > MAX_BATCH_BYTES)
        throw new RangeError(`an event of ${bytes} bytes is too large for a request`);
      return { line, bytes };
    });
    if (this.#waiting.length + lines.length > this.#options.maxWaiting)
      throw new RangeError(`more than ${this.#options.maxWaiting} events would wait`);
    const sent = lines.map((each) => this.#enqueue(each));
    void this.#run();
    return Promise.all(sent);
  }

  #enqueue(line: Pick<Waiting, "line" | "bytes">): Promise<Sent> {
    return new Promise((accepted, failed) => this.#waiting.push({ ...line, accepted, failed }));
  }

  /** Sends the waiting events, one request at a time, until none waits. */
  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { maxBatch, lingerMillis, sleep, signal } = this.#options;
    try {
      while (this.#waiting.length > 0) {
        if (lingerMillis > 0 && this.#waiting.length < maxBatch) await sleep(lingerMillis, signal);
        const batch = this.#nextBatch();
        const answer = await this.#sendUntilAnswered(batch);
        this.#waiting.splice(0, batch.length);
        this.#settle(batch, answer);
      }
    } catch (error) {
      this.#failure = { error };
      for (const { failed } of this.#waiting.splice(0)) failed(error);
    } finally {
      this.#running = false;
    }
  }

  /** The next events to send. They stay in `#waiting` until the relay responds, so they count towards `maxWaiting`. */
  #nextBatch(): readonly Waiting[] {
    let bytes = 0;
    const end = this.#waiting.findIndex((each, index) => {
      bytes += each.bytes;
      return index === this.#options.maxBatch || bytes > MAX_BATCH_BYTES;
    });
    return this.#waiting.slice(0, end < 0 ? undefined : end);
  }

  async #sendUntilAnswered(batch: readonly Waiting[]): Promise<Answer> {
    const { client, feed, producer, signal, sleep, random, backoffMillis } = this.#options;
    const lines = batch.map(({ line }) => line);
    const position = this.#position;
    for (let failures = 0; ; failures += 1) {
      signal?.throwIfAborted();
      try {
        return { ...(await client.append(feed, lines, { producer, position })), wroteNothing: false };
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

  #settle(
    batch: readonly Waiting[],
    { first, last, accepted, duplicates, refused, wroteNothing }: Answer,
  ): void {
    const position = this.#position;
    if (accepted > 0) this.#isInDoubt = false;
    // In doubt the relay may know events at these positions, and would take those that follow for duplicates.
    if (!wroteNothing || this.#isInDoubt) this.#position += batch.length;
    const reasons = new Map(refused.map(({ index, error }) => [index, error]));
    const kept = batch.length - reasons.size;
    this.#count({ accepted: kept, duplicates, refused: reasons.size });
    // Numbers are consecutive unless the batch was split, by a page's end or by an earlier request.
    const known = first !== null && last !== null && last - first + 1 === kept;
    let sequence = known ? first : undefined;
    batch.forEach((each, index) => {
      const reason = reasons.get(index);
      each.accepted({
        position: position + index,
        sequence: reason === undefined ? sequence : undefined,
        refused: reason,
      });
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

interface Answer extends AppendResult {
  /** The relay knows nothing of the request's positions. */
  readonly wroteNothing: boolean;
}

/** The relay answers 422 when it refuses every event of a request. The producer treats that as a result, not a failure. */
function refusalOfAll({ status, refused }: RelayCallError, count: number): Answer | undefined {
  if (status !== 422 || refused.length !== count) return undefined;
  return { first: null, last: null, accepted: 0, duplicates: 0, refused, wroteNothing: true };
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
