import { RelayError } from "../errors.ts";
import { type NumberedMessage, renderTest } from "../queue/message.ts";
import type { Page } from "../queue/page.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { AttemptRecorder } from "../sessions/attemptRecorder.ts";
import type { Batch } from "../sessions/batch.ts";
import type { Cursor } from "../sessions/cursor.ts";
import type { Judge, JudgeMaker } from "../sessions/judge.ts";
import type { Outlet, OutletAnswer } from "../sessions/outlet.ts";
import { type SessionSecret, validSecrets, type WebhookSession } from "../sessions/session.ts";
import { attemptOf } from "./attemptOf.ts";
import { rangeOf, type WebhookBody, webhookBody } from "./body.ts";
import { hasOutstayed, type LaneSettings, laneAfter, requestTimeoutMillis } from "./lane.ts";
import type { DeliveryOutcome } from "./outcome.ts";
import { isExhaustion, isOwnFailure } from "./ownLack.ts";
import { planBatch } from "./planBatch.ts";
import { afterFailure } from "./retryPolicy.ts";
import { type BodyEnd, ownEnd, type SharedMessages } from "./sharedMessages.ts";

/** A person waits for the answer, within the time that an HTTP request may take. */
const LONGEST_TEST_MILLIS = 15_000;

export interface WebhookOutletParts {
  readonly sessions: {
    /** Decrypts the session's stored secrets, so that they can sign. */
    openSecrets(session: WebhookSession): Promise<{ readonly secrets: readonly SessionSecret[] }>;
  };
  readonly webhook: {
    post(request: {
      url: string;
      id: string;
      body: WebhookBody;
      secrets: readonly string[];
      timestampEpochMillis: number;
      timeoutMillis: number;
    }): Promise<DeliveryOutcome>;
  };
  /** Records what an endpoint answered. Never rejects. */
  readonly attempts: Pick<AttemptRecorder, "record">;
  readonly judgeOf: JudgeMaker;
  readonly sharedMessages: Pick<SharedMessages, "endOf">;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  random(): number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "record">;
  readonly settings: LaneSettings;
}

/** Sends batches to a session's URL as signed POSTs and decides what follows a failure. */
export class WebhookOutlet implements Outlet {
  readonly #parts: WebhookOutletParts;
  readonly #session: WebhookSession;
  /** A page is judged once, however many batches it is cut into. Only pages that are still to be sent are here. */
  readonly #judged = new Map<Page, readonly NumberedMessage[]>();
  #judge: Judge | undefined;

  constructor(parts: WebhookOutletParts, session: WebhookSession) {
    this.#parts = parts;
    this.#session = session;
  }

  async plan(cursor: Cursor, pages: readonly Page[]): Promise<Batch | undefined> {
    const { feed, format, filter, maxBatch } = this.#session;
    this.#judge ??= await this.#parts.judgeOf(feed, format, filter);
    const judge = this.#judge;
    for (const page of this.#judged.keys()) if (!pages.includes(page)) this.#judged.delete(page);
    return planBatch(cursor, pages, (page) => this.#judgeOnce(judge, page), maxBatch);
  }

  async #judgeOnce(judge: Judge, page: Page): Promise<readonly NumberedMessage[]> {
    const known = this.#judged.get(page);
    if (known !== undefined) return known;
    const judged = await judge(page);
    this.#judged.set(page, judged);
    return judged;
  }

  async send(cursor: Cursor, batch: Batch): Promise<OutletAnswer> {
    const { settings } = this.#parts;
    const outcome = await this.#post(cursor, batch, await this.#endOf(batch));
    if (outcome.kind === "accepted") {
      this.#recordAccepted(cursor, batch);
      await this.#recordAttempt(cursor, batch, outcome);
      return { kind: "accepted", lane: laneAfter(outcome.durationMillis) };
    }
    // The row stays as it is until its lease expires: no attempt is counted, and the session does not back off.
    if (isOwnFailure(outcome))
      throw new RelayError(outcome.reason, `a webhook was not called: ${outcome.detail}`, {
        retryable: true,
      });
    this.#parts.metrics.record(cursor.feed, { FailedAttempts: 1 });
    await this.#recordAttempt(cursor, batch, outcome);
    return hasOutstayed(cursor.lane, outcome, settings)
      ? { kind: "outstayed" }
      : this.#answerFailure(cursor, batch, outcome);
  }

  /**
   * Sends a test message now. Its number is the last one that was sent, so a receiver takes the request for a repetition and
   * stores nothing. The row does not change, and no failure is counted.
   */
  async sendTest(cursor: Cursor, test: string): Promise<void> {
    const nowEpochMillis = this.#parts.clock.nowEpochMillis();
    const batch = {
      id: test,
      last: cursor.previous,
      messages: [{ sequence: cursor.previous, message: renderTest(test, nowEpochMillis) }],
      appendedAtEpochMillis: nowEpochMillis,
      tellsGap: false,
    };
    // In every request, `previous` is below the first number.
    const standing = { ...cursor, lane: "slow" as const, previous: cursor.previous - 1 };
    const { format, compress } = this.#session;
    const end = await ownEnd(batch.messages, format, compress === "gzip");
    const outcome = await this.#post(standing, batch, end, LONGEST_TEST_MILLIS);
    await this.#recordAttempt(cursor, batch, outcome, test);
  }

  /** A gap is told to this session alone, and its message is not in the feed. */
  #endOf({ messages, tellsGap }: Batch): Promise<BodyEnd> {
    const { feed, format, compress } = this.#session;
    const isCompressed = compress === "gzip";
    return tellsGap
      ? ownEnd(messages, format, isCompressed)
      : this.#parts.sharedMessages.endOf(feed, messages, format, isCompressed);
  }

  async #post(
    cursor: Cursor,
    batch: Batch,
    end: BodyEnd,
    mostMillis = Number.POSITIVE_INFINITY,
  ): Promise<DeliveryOutcome> {
    const { sessions, webhook, settings, clock, log } = this.#parts;
    const { feed, session, lane } = cursor;
    let secrets: readonly SessionSecret[];
    try {
      ({ secrets } = await sessions.openSecrets(this.#session));
    } catch (error) {
      if (isExhaustion(error)) throw error;
      // Treated like an endpoint's failure: the session shows the error and backs off. A thrown error would make SQS
      // redeliver the wake until it is a dead letter, and every sweep would start that again.
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
      body: webhookBody(cursor, batch, end),
      secrets: validSecrets(secrets, clock.nowEpochMillis()),
      timestampEpochMillis: clock.nowEpochMillis(),
      timeoutMillis: Math.min(requestTimeoutMillis(lane, settings), mostMillis),
    });
  }

  #recordAccepted({ feed, lane }: Cursor, { messages, appendedAtEpochMillis, tellsGap }: Batch): void {
    if (tellsGap) return;
    const { metrics, clock } = this.#parts;
    metrics.record(feed, { DeliveredMessages: messages.length });
    if (lane === "fast")
      metrics.record(feed, {
        AppendToDelivery: Math.max(0, clock.nowEpochMillis() - appendedAtEpochMillis),
      });
  }

  #recordAttempt(cursor: Cursor, batch: Batch, outcome: DeliveryOutcome, test?: string): Promise<void> {
    const { first, last } = rangeOf(cursor, batch);
    const gap = batch.tellsGap ? cursor.gap?.reason : undefined;
    const { attempts, clock } = this.#parts;
    return attempts.record(
      cursor.session,
      attemptOf(
        outcome,
        { batch: batch.id, first, last, messages: batch.messages.length, gap, test },
        clock.nowEpochMillis(),
      ),
      cursor.attempts === 0 ? cursor.lastDeliveryEpochMillis : undefined,
    );
  }

  #answerFailure(
    { feed, session, attempts, failingSinceEpochMillis }: Cursor,
    batch: Batch,
    outcome: Extract<DeliveryOutcome, { kind: "failed" }>,
  ): OutletAnswer {
    const { clock, random, log } = this.#parts;
    const nowEpochMillis = clock.nowEpochMillis();
    const { reason, detail, status } = outcome;
    const failure = { reason, detail, status, atEpochMillis: nowEpochMillis };
    const decision = afterFailure({
      outcome,
      attempts: attempts + 1,
      failingSinceEpochMillis: failingSinceEpochMillis ?? nowEpochMillis,
      nowEpochMillis,
      random,
    });
    if (decision.kind === "backoff")
      return { kind: "failed", failure, dueAtEpochMillis: decision.dueAtEpochMillis };
    const facts = { feed, session, batch: batch.id, reason, status };
    log.warn("the session is suspended", { ...facts, why: decision.reason });
    return { kind: "given-up", failure };
  }
}
