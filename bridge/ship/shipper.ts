import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { EventBody, RelayClient } from "../../client/relayClient.ts";
import type { Acknowledgement, AsyncSpool, SpoolBatch } from "../spool.ts";
import { judge, type Verdict } from "./answer.ts";
import { failureOf, ShippingError, storedNothing } from "./failure.ts";
import { PACE, type Pace, waitBeforeSending } from "./pacing.ts";
import { NO_COUNTS, type ShipperProgress, type ShipperSituation } from "./progress.ts";
import { type RequestBody, requestBody } from "./requestBody.ts";
import { nextStep, RETRY_TIMES, type RetryTimes } from "./retryRules.ts";

export interface ShipperOptions {
  readonly spool: Pick<AsyncSpool, "read" | "acknowledge" | "renewProducer" | "measure">;
  /** Its `timeoutMillis` ends requests that hang. */
  readonly client: Pick<RelayClient, "appendBody">;
  readonly feed: string;
  readonly pace?: Pace;
  readonly retryTimes?: RetryTimes;
  /** Called when the state changes, when an error is new, and when the producer's name conflicts. */
  onChange?(progress: ShipperProgress): void;
  /** In [0, 1). Replaceable for tests. */
  readonly random?: () => number;
}

/** Half of what the relay accepts in a request: each copy of a body on its way is memory. */
const MAX_BATCH = { records: 10_000, bytes: 500_000 };

/** Smaller bodies do not get smaller. */
const COMPRESS_FROM_BYTES = 1000;

/** How long the shipper waits when the spool's disk refuses. */
const SPOOL_RETRY_MILLIS = 1000;

/** A conflict right after a new name is not about the name. */
const CONFLICTS_APART_MILLIS = 60_000;

const compress = promisify(gzip);

/**
 * Sends a spool's records to the relay in order, one request at a time, until the relay has answered for each. Only then
 * are they deleted. A lost response is repaired by positions: the relay recognises what it has.
 */
export class Shipper {
  readonly #options: Required<ShipperOptions>;
  readonly #stopping = new AbortController();
  readonly #counts = { ...NO_COUNTS };
  #situation: ShipperSituation = { state: "idle" };
  #wake: () => void = () => {};
  #loop: Promise<void> | undefined;
  #isDraining = false;
  #firstWaitedAt: number | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;
  #producer: string | undefined;
  /** Up to this position, an earlier request may have arrived although its response did not. */
  #sentThrough = 0;
  #maxRecords = MAX_BATCH.records;
  /** Why the relay cannot read a record even alone, by its position. */
  readonly #unreadable = new Map<number, string>();
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ShipperOptions) {
    this.#options = {
      pace: PACE,
      retryTimes: RETRY_TIMES,
      onChange: () => {},
      random: Math.random,
      ...options,
    };
  }

  start(): void {
    const { producer, acknowledged, records } = this.#options.spool.measure();
    this.#producer = producer;
    // A process before this one may have sent what it did not live to acknowledge.
    this.#sentThrough = acknowledged + Math.min(records, MAX_BATCH.records);
    this.#loop ??= this.#run();
  }

  /** Says that there is something to send. */
  stored(): void {
    if (this.#firstWaitedAt === undefined) {
      this.#firstWaitedAt = performance.now();
      this.#wake();
    } else if (this.#options.spool.measure().records >= this.#options.pace.fullAtRecords) this.#wake();
  }

  progress(): ShipperProgress {
    return { ...this.#situation, ...this.#counts };
  }

  /**
   * Sends what is left, as long as the relay takes it and the time allows; then stops. The spool keeps the rest. A request
   * that is still open then is left alone: the next process sends the same records again, and the relay knows them.
   */
  async stop(withinMillis = 0): Promise<void> {
    this.#isDraining = true;
    this.#wake();
    const tooLate = new AbortController();
    await Promise.race([
      this.#loop,
      pause(withinMillis, undefined, { signal: tooLate.signal }).catch(() => {}),
    ]);
    tooLate.abort();
    this.#stopping.abort();
    this.#report({ state: "stopped" });
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#isStopped; ) {
      if (!(await this.#somethingToSend())) return;
      try {
        failures = (await this.#shipOne(failures)) ? 0 : failures + 1;
      } catch (error) {
        await this.#spoolFailed(error);
      }
    }
  }

  /** Waits until a request is worth its price. False when nothing is left to send before the end. */
  async #somethingToSend(): Promise<boolean> {
    for (;;) {
      const { records } = this.#options.spool.measure();
      if (this.#isDraining) return records > 0 && !this.#isStopped;
      const now = performance.now();
      if (records === 0) this.#firstWaitedAt = undefined;
      else this.#firstWaitedAt ??= now;
      const waitedMillis = now - (this.#firstWaitedAt ?? now);
      const sinceSentMillis = now - this.#sentAt;
      const wait = waitBeforeSending(records, { waitedMillis, sinceSentMillis }, this.#options.pace);
      if (wait === 0) return true;
      if (wait === undefined) this.#report({ state: "idle" });
      const woken = Promise.withResolvers<void>();
      this.#wake = woken.resolve;
      const timer = wait === undefined ? undefined : setTimeout(woken.resolve, wait);
      await woken.promise;
      clearTimeout(timer);
    }
  }

  /** Sends the oldest records. False when they must be sent again. */
  async #shipOne(failures: number): Promise<boolean> {
    const { spool, client, feed, random, retryTimes } = this.#options;
    const batch = await spool.read({ ...MAX_BATCH, records: this.#maxRecords });
    const { producer, position, records } = batch;
    if (records.length === 0) return true;
    this.#knowProducer(producer);
    this.#firstWaitedAt = undefined;
    const { body, replaced } = await this.#bodyOf(batch);
    const resentThrough = this.#sentThrough;
    const sent = { position, count: records.length, resentThrough, replaced };
    this.#sentThrough = Math.max(resentThrough, position + records.length - 1);
    this.#sentAt = performance.now();
    if (failures === 0) this.#report({ state: "sending" });
    this.#counts.requests += 1;
    this.#counts.sentBytes += body.bytes.length;
    const outcome = await client.appendBody(feed, body, { producer, position }).then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    );
    if ("answer" in outcome) return this.#answered(judge(outcome.answer, sent), batch);

    const { error } = outcome;
    this.#counts.failures += 1;
    if (storedNothing(error)) this.#sentThrough = resentThrough;
    const step = nextStep(
      error,
      { records: records.length, failures: failures + 1, random: random() },
      retryTimes,
    );
    switch (step.kind) {
      case "refused":
        return this.#answered(judge({ accepted: 0, duplicates: 0, refused: step.refused }, sent), batch, {
          // In doubt, as after a restart, an earlier request with more records may have used the positions. Then the relay
          // reports the refused events as a gap, which is true: they never come.
          positionsAreUnused: resentThrough < position,
        });
      case "split":
        return this.#split(batch, error);
      case "conflict":
        return this.#renew(error);
      case "wait":
        await this.#failed(step.state, error, step.millis);
        return false;
    }
  }

  async #bodyOf({
    position,
    records,
  }: SpoolBatch): Promise<{ body: EventBody; replaced: RequestBody["replaced"] }> {
    const known = records.flatMap((_, index): [number, string][] => {
      const reason = this.#unreadable.get(position + index);
      return reason === undefined ? [] : [[index, reason]];
    });
    const { format, bytes, replaced } = requestBody(records, new Map(known));
    if (bytes.length < COMPRESS_FROM_BYTES) return { body: { format, bytes }, replaced };
    return { body: { format, bytes: await compress(bytes), encoding: "gzip" }, replaced };
  }

  /** A spool whose file was damaged goes on as another producer, which sent nothing yet. */
  #knowProducer(producer: string): void {
    if (producer === this.#producer) return;
    this.#producer = producer;
    this.#sentThrough = 0;
    this.#unreadable.clear();
  }

  async #answered(
    verdict: Verdict,
    { producer }: SpoolBatch,
    { positionsAreUnused = false } = {},
  ): Promise<boolean> {
    if (verdict.kind === "senseless") {
      const error = new ShippingError("answer.invalid", verdict.detail);
      await this.#failed("misconfigured", error, this.#options.retryTimes.repairMillis);
      return false;
    }
    const { through, accepted, duplicates, refused, conflict } = verdict;
    const requestMillis = performance.now() - this.#sentAt;
    await this.#acknowledge({ producer, position: through, refused, positionsAreUnused });
    for (const position of this.#unreadable.keys())
      if (position <= through) this.#unreadable.delete(position);
    this.#maxRecords = Math.min(MAX_BATCH.records, 2 * this.#maxRecords);
    this.#counts.shipped += accepted + duplicates;
    this.#counts.duplicates += duplicates;
    this.#counts.refused += refused.length;
    if (conflict !== undefined) {
      this.#sentThrough = through;
      return this.#renew(new ShippingError("producer.position-conflict", conflict));
    }
    this.#report({
      lastError: undefined,
      lastAcceptedAtEpochMillis: Date.now(),
      lastRequestMillis: requestMillis,
    });
    return true;
  }

  /** The relay has the records, so they are not sent again while the disk refuses to delete them. */
  async #acknowledge(answer: Acknowledgement): Promise<void> {
    do
      try {
        return await this.#options.spool.acknowledge(answer);
      } catch (error) {
        await this.#spoolFailed(error);
      }
    while (!this.#isStopped);
  }

  async #split({ position, records }: SpoolBatch, error: unknown): Promise<boolean> {
    if (records.length > 1) {
      this.#maxRecords = Math.ceil(records.length / 2);
      return true;
    }
    if (this.#unreadable.has(position)) {
      await this.#failed("misconfigured", error, this.#options.retryTimes.repairMillis);
      return false;
    }
    this.#unreadable.set(position, error instanceof Error ? error.message : String(error));
    return true;
  }

  /**
   * Goes on under a new producer's name, with the records that the relay did not store under the old one. The new name
   * begins with a gap record, because the relay may have taken earlier events for somebody else's.
   */
  async #renew(error: unknown): Promise<boolean> {
    const { spool, retryTimes } = this.#options;
    if (performance.now() - this.#renewedAt < CONFLICTS_APART_MILLIS) {
      await this.#failed("misconfigured", error, retryTimes.repairMillis);
      return false;
    }
    await spool.renewProducer();
    const { producer, acknowledged } = spool.measure();
    this.#producer = producer;
    this.#sentThrough = acknowledged;
    this.#unreadable.clear();
    this.#renewedAt = performance.now();
    this.#counts.conflicts += 1;
    this.#report({ lastError: failureOf(error, 0) });
    return true;
  }

  async #failed(state: ShipperProgress["state"], error: unknown, millis: number): Promise<void> {
    this.#report({ state, lastError: failureOf(error, millis) });
    await pause(millis, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }

  async #spoolFailed(error: unknown): Promise<void> {
    await this.#failed("spool", error, SPOOL_RETRY_MILLIS);
  }

  #report(change: Partial<ShipperSituation>): void {
    const before = this.#situation;
    this.#situation = { ...before, ...change };
    const { state, lastError } = this.#situation;
    if (state !== before.state || lastError?.code !== before.lastError?.code)
      this.#options.onChange(this.progress());
  }
}
