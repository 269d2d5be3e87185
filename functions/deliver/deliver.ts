import { FenceLostError, PageUnreadableError, TransactionRefusedError } from "../../shared/errors.ts";
import type { WakeHint } from "../../shared/queue/hints.ts";
import type { MessageFormat } from "../../shared/queue/message.ts";
import { lastOf } from "../../shared/queue/page.ts";
import type { PageReader } from "../../shared/queue/pageReader.ts";
import { segmentOf } from "../../shared/queue/sequence.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Metrics } from "../../shared/runtime/metrics.ts";
import type { Settings } from "../../shared/runtime/settings.ts";
import {
  advance,
  backOff,
  type Cursor,
  type CursorChange,
  changeLane,
  type DeliveryFailure,
  isTakeable,
  park,
  progress,
  suspend,
  take,
} from "../../shared/sessions/cursor.ts";
import type { Selection, SessionFilter } from "../../shared/sessions/selection.ts";
import { type Session, signingSecrets } from "../../shared/sessions/session.ts";
import { type Batch, planBatch, planGap, webhookBody } from "../../shared/webhook/batch.ts";
import { hasOutstayed, laneAfter, requestTimeoutMillis } from "../../shared/webhook/lane.ts";
import type { DeliveryOutcome } from "../../shared/webhook/outcome.ts";
import { afterFailure } from "../../shared/webhook/retryPolicy.ts";

export interface DeliverParts {
  readonly cursors: {
    readCursor(feed: string, session: string): Promise<Cursor | undefined>;
    write(cursor: Cursor, change: CursorChange): Promise<Cursor>;
  };
  readonly sessions: {
    readSession(session: string): Promise<Session | undefined>;
    /** The session with secrets that can sign; they are stored encrypted. */
    openSecrets(session: Session): Promise<Session>;
  };
  readonly pages: Pick<PageReader, "read">;
  readonly wakes: { sendWake(cursor: Cursor, delayMillis?: number): Promise<void> };
  readonly webhook: {
    post(request: {
      url: string;
      id: string;
      body: string;
      secrets: readonly string[];
      timestampEpochMillis: number;
      timeoutMillis: number;
    }): Promise<DeliveryOutcome>;
  };
  readonly clock: Clock;
  selectionOf(format: MessageFormat, filter: SessionFilter | undefined): Selection;
  /** Uniform in [0, 1). */
  random(): number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "record">;
  readonly settings: Pick<
    Settings,
    | "leaseMillis"
    | "turnMillis"
    | "lingerMillis"
    | "lingerPollMillis"
    | "requestTimeoutMillis"
    | "fastRequestTimeoutMillis"
    | "slowRequestMillis"
  >;
  readonly stopping: AbortSignal;
}

/** Two deliveries closer together than this mean that the feed is busy and lingering pays. */
const BUSY_GAP_MILLIS = 2_000;

/**
 * One turn of one session: takes its cursor, sends batch after batch, and parks. A wake is only a reason to look: one
 * that finds the row held, waiting or gone, or nothing to read, ends here.
 * @param turnMillis after which the turn begins no further batch
 */
export async function deliver(
  parts: DeliverParts,
  wake: WakeHint,
  turnMillis = parts.settings.turnMillis,
): Promise<void> {
  const cursor = await parts.cursors.readCursor(wake.feed, wake.session);
  if (cursor === undefined || !isTakeable(cursor, parts.clock.nowEpochMillis())) return;
  const session = await parts.sessions.readSession(wake.session);
  if (session === undefined) return;
  const turn = new Turn(parts, session, cursor, turnMillis);
  try {
    await turn.run();
  } catch (error) {
    if (error instanceof FenceLostError)
      parts.log.info("someone else has the session now", { feed: wake.feed, session: wake.session });
    else if (error instanceof PageUnreadableError) await turn.suspendFor(error);
    else throw error;
  }
}

class Turn {
  readonly #parts: DeliverParts;
  readonly #session: Session;
  readonly #selection: Selection;
  readonly #endsAtEpochMillis: number;
  /** The row as it was read or written last: what the next write must find. */
  #row: Cursor;
  /** The row with the progress that is not written yet. */
  #cursor: Cursor;
  #busy = false;

  constructor(parts: DeliverParts, session: Session, cursor: Cursor, turnMillis: number) {
    this.#parts = parts;
    this.#session = session;
    this.#selection = parts.selectionOf(session.format, session.filter);
    this.#row = cursor;
    this.#cursor = cursor;
    this.#endsAtEpochMillis = parts.clock.nowEpochMillis() + turnMillis;
  }

  async run(): Promise<void> {
    let batch = await this.#plan();
    if (batch === undefined && this.#cursor.state === "parked") return;
    do {
      await this.#write(take(this.#cursor, this.#lease(batch)));
      while (batch !== undefined) {
        const lane = await this.#send(batch);
        if (lane === undefined) return;
        this.#pass(batch, lane.after);
        if (lane.after !== lane.before || this.#isOver()) return await this.#parkAndWake();
        batch = (await this.#plan()) ?? (await this.#linger());
        // Every request follows a write that names the fence. Together with the progress it writes the end of the
        // batch, so that whoever must repeat it after a crash sends the same messages under the same id.
        if (batch !== undefined && batch.messages.length > 0)
          await this.#write(advance(this.#cursor, this.#lease(batch)));
      }
      await this.#write(park(this.#cursor, this.#now()));
      // A page that was appended before the row said "parked" had nobody to wake: its notify saw an active row.
      // So the tail is read again, strongly, after parking.
      batch = await this.#plan();
    } while (batch !== undefined);
  }

  /** What cannot be read must not be skipped in silence: the session stops until a person looks. */
  async suspendFor(error: PageUnreadableError): Promise<void> {
    this.#parts.log.error("a page cannot be read; the session is suspended", {
      session: this.#cursor.session,
      ...error.facts,
    });
    const failure = { reason: error.code, detail: error.message, atEpochMillis: this.#now() };
    await this.#write(suspend(this.#cursor, failure));
  }

  #now(): number {
    return this.#parts.clock.nowEpochMillis();
  }

  #isOver(): boolean {
    return this.#parts.stopping.aborted || this.#now() >= this.#endsAtEpochMillis;
  }

  #lease(batch: Batch | undefined) {
    return {
      batchLast: batch === undefined || batch.tellsGap ? undefined : batch.last,
      leaseMillis: this.#parts.settings.leaseMillis,
      nowEpochMillis: this.#now(),
    };
  }

  /** The next batch by strongly consistent reads; undefined when the cursor stands at the end of the queue. */
  async #plan(): Promise<Batch | undefined> {
    const { feed, segmentSize, next, batchLast, gap } = this.#cursor;
    if (gap !== undefined) return planGap({ ...this.#cursor, gap }, this.#now());
    const pages = [...(await this.#parts.pages.read(feed, segmentSize, next))];
    const firstPage = pages[0];
    if (firstPage === undefined) return undefined;
    if (firstPage.first > next) {
      this.#record({ GapsExpired: 1 });
      const expired = { first: next, last: firstPage.first - 1, reason: "expired" as const };
      this.#cursor = { ...this.#cursor, next: firstPage.first, batchLast: undefined, gap: expired };
      return planGap({ ...this.#cursor, gap: expired }, this.#now());
    }
    // A batch that was begun by another process may reach beyond the pages that this one has in its cache.
    for (
      let last = pages.at(-1);
      batchLast !== undefined && last && lastOf(last) < batchLast;
      last = pages.at(-1)
    ) {
      const more = await this.#parts.pages.read(feed, segmentSize, lastOf(last) + 1);
      if (more.length === 0) break;
      pages.push(...more);
    }
    return planBatch(this.#cursor, pages, this.#selection, this.#session.maxBatch);
  }

  /**
   * While the feed is busy, waiting for the next page is cheaper than parking and being woken. When the page comes
   * with the first tick, one write holds the progress and the next plan; else the progress is written by itself.
   */
  async #linger(): Promise<Batch | undefined> {
    const { clock, settings, stopping } = this.#parts;
    if (!this.#busy) return undefined;
    const untilEpochMillis = Math.min(this.#now() + settings.lingerMillis, this.#endsAtEpochMillis);
    for (let tick = 0; this.#now() < untilEpochMillis && !stopping.aborted; tick += 1) {
      // Ticks are aligned to the clock, so that all sessions at the same number share one read.
      await clock.sleep(settings.lingerPollMillis - (this.#now() % settings.lingerPollMillis), stopping);
      const batch = await this.#plan();
      if (batch !== undefined) return batch;
      if (tick === 0) await this.#write(advance(this.#cursor, this.#lease(undefined)));
    }
    return undefined;
  }

  /** Sends the batch; undefined when it was not accepted and the row already says so. */
  async #send(batch: Batch): Promise<{ before: Cursor["lane"]; after: Cursor["lane"] } | undefined> {
    const { settings } = this.#parts;
    const before = this.#cursor.lane;
    if (batch.messages.length === 0) return { before, after: before };
    const outcome = await this.#post(batch);
    if (outcome.kind === "accepted") {
      this.#recordAccepted(batch);
      return { before, after: laneAfter(outcome.durationMillis, settings) };
    }
    this.#record({ FailedAttempts: 1 });
    if (hasOutstayed(before, outcome, settings)) await this.#leaveFastLane(batch);
    else await this.#fail(batch, outcome);
    return undefined;
  }

  async #post(batch: Batch): Promise<DeliveryOutcome> {
    const { sessions, webhook, settings, log } = this.#parts;
    const { feed, session, lane } = this.#cursor;
    let secrets: Session["secrets"];
    try {
      ({ secrets } = await sessions.openSecrets(this.#session));
    } catch (error) {
      // A failure like an endpoint's: the session says what is wrong with it and backs off. Thrown, it would come back
      // from SQS until the wake is a dead letter, and again with each sweep.
      log.error("a session's secrets cannot be opened", { feed, session, error });
      return {
        kind: "failed",
        reason: "secret.not-opened",
        detail: "the session's secret cannot be decrypted",
        durationMillis: 0,
      };
    }
    return webhook.post({
      url: this.#session.url,
      id: batch.id,
      body: webhookBody(this.#cursor, batch, this.#session.format),
      secrets: signingSecrets(secrets, this.#now()),
      timestampEpochMillis: this.#now(),
      timeoutMillis: requestTimeoutMillis(lane, settings),
    });
  }

  #recordAccepted({ messages, appendedAtEpochMillis, tellsGap }: Batch): void {
    if (tellsGap) return;
    this.#record({ DeliveredMessages: messages.length });
    if (this.#cursor.lane === "fast")
      this.#record({ AppendToDelivery: Math.max(0, this.#now() - appendedAtEpochMillis) });
  }

  #record(values: Parameters<Metrics["record"]>[1]): void {
    this.#parts.metrics.record(this.#cursor.feed, values);
  }

  #pass(batch: Batch, lane: Cursor["lane"]): void {
    const nowEpochMillis = this.#now();
    const before = this.#cursor.lastDeliveryEpochMillis;
    if (batch.messages.length > 0)
      this.#busy = before !== undefined && nowEpochMillis - before < BUSY_GAP_MILLIS;
    this.#cursor = progress(this.#cursor, {
      next: batch.last + 1,
      sentLast: batch.messages.at(-1)?.sequence,
      gapTold: batch.tellsGap,
      lane,
      nowEpochMillis,
    });
  }

  async #fail(batch: Batch, outcome: DeliveryOutcome & { kind: "failed" }): Promise<void> {
    const { random, wakes, log } = this.#parts;
    const nowEpochMillis = this.#now();
    const { reason, detail, status } = outcome;
    const failure: DeliveryFailure = { reason, detail, status, atEpochMillis: nowEpochMillis };
    const decision = afterFailure({
      outcome,
      attempts: this.#cursor.attempts + 1,
      failingSinceEpochMillis: this.#cursor.failingSinceEpochMillis ?? nowEpochMillis,
      nowEpochMillis,
      random,
    });
    const facts = { feed: this.#cursor.feed, session: this.#cursor.session, batch: batch.id, reason, status };
    if (decision.kind === "suspend") {
      log.warn("the session is suspended", { ...facts, why: decision.reason });
      await this.#write(suspend(this.#begun(batch), failure));
      return;
    }
    await this.#write(backOff(this.#begun(batch), failure, decision.dueAtEpochMillis));
    await wakes.sendWake(this.#cursor, Math.max(0, decision.dueAtEpochMillis - this.#now()));
  }

  /** The row with the end of a batch that was not accepted, so that the next try is the same batch. */
  #begun(batch: Batch): Cursor {
    return { ...this.#cursor, batchLast: this.#lease(batch).batchLast };
  }

  async #leaveFastLane(batch: Batch): Promise<void> {
    await this.#write(changeLane(this.#begun(batch), this.#now()));
    await this.#parts.wakes.sendWake(this.#cursor);
  }

  /** Gives the turn up with work left: first the row, then the wake; a crash between is repaired by the sweep. */
  async #parkAndWake(): Promise<void> {
    await this.#write(park(this.#cursor, this.#now()));
    await this.#parts.wakes.sendWake(this.#cursor);
  }

  /**
   * Writes a transition, and with it the crossing into another segment. When a transaction is in the way the session
   * stays counted where it was: a late reference only keeps data longer, and a later page or the sweep crosses.
   */
  async #write(change: CursorChange): Promise<void> {
    const segment = segmentOf(change.next ?? this.#row.next, this.#row.segmentSize);
    if (segment !== this.#row.segment) {
      try {
        return await this.#writeRow({ ...change, segment });
      } catch (error) {
        if (!(error instanceof TransactionRefusedError)) throw error;
      }
    }
    await this.#writeRow(change);
  }

  async #writeRow(change: CursorChange): Promise<void> {
    this.#row = await this.#parts.cursors.write(this.#row, change);
    this.#cursor = { ...this.#cursor, ...change };
  }
}
