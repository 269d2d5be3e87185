import { AppendTimeoutError, type PositionConflictError } from "../../shared/errors.ts";
import { packCallMemory } from "../../shared/queue/callMemoryCodec.ts";
import { hintNames, type NotifyHint } from "../../shared/queue/hints.ts";
import { GAP_TYPE } from "../../shared/queue/message.ts";
import type { StoredPage } from "../../shared/queue/page.ts";
import { encodePage } from "../../shared/queue/pageCodec.ts";
import { expiryOf } from "../../shared/queue/pageExpiry.ts";
import { type Segment, segmentOf } from "../../shared/queue/sequence.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Metrics } from "../../shared/runtime/metrics.ts";
import type { Settings } from "../../shared/runtime/settings.ts";
import { type PagePlan, type Progress, planPage, type Step, type Submission } from "./appendPlan.ts";
import { racePauseMillis } from "./appendRace.ts";
import { type AppendResult, resultOf } from "./appendResult.ts";
import { archiveDropped, type ProducerMemory, recall } from "./producerMemory.ts";
import { findResentNumber, type ResentNumberSource } from "./resentNumber.ts";
import { type TailStore, type WriterTail, type WriterTailParts, WriterTails } from "./writerTail.ts";

export type PutResult = { readonly written: true } | { readonly written: false; readonly winner: StoredPage };

export interface AppendStore extends TailStore, ResentNumberSource, ProducerMemory {
  /** Writes the page unless its number is taken. Then returns the page that took it. */
  putPage(
    feed: string,
    segment: Segment,
    page: StoredPage,
    options: { expiresAtEpochSeconds: number; signal: AbortSignal },
  ): Promise<PutResult>;
}

export interface AppendParts extends WriterTailParts {
  readonly store: AppendStore;
  sendNotify(hint: NotifyHint): Promise<void>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "record">;
  readonly settings: WriterTailParts["settings"] & Pick<Settings, "appendTimeoutMillis" | "pageTtlMillis">;
  newAppendId(): string;
  /** Uniform in [0, 1). */
  random(): number;
}

/**
 * Appends submissions to a feed: conditional puts of pages at the next number, then one notify hint.
 * It knows nothing of sessions, and its cost does not depend on them.
 */
export class Appender {
  readonly #parts: AppendParts;
  readonly #tails: WriterTails;

  constructor(parts: AppendParts) {
    this.#parts = parts;
    this.#tails = new WriterTails(parts);
  }

  /**
   * Appends all submissions of one call into shared pages as far as they fit. Returns one result per submission, in
   * order. A PositionConflictError in place of a result means that the submission was refused.
   * @throws AppendTimeoutError when other writers or a slow table used up the time. Resending with a producer is safe.
   */
  async append(
    feed: string,
    submissions: readonly Submission[],
  ): Promise<(AppendResult | PositionConflictError)[]> {
    // AbortSignal.timeout would be there until the time is over, long after nearly every append.
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.#parts.settings.appendTimeoutMillis);
    try {
      return await this.#appendWithin(deadline.signal, feed, submissions);
    } finally {
      clearTimeout(timer);
    }
  }

  async #appendWithin(
    deadline: AbortSignal,
    feed: string,
    submissions: readonly Submission[],
  ): Promise<(AppendResult | PositionConflictError)[]> {
    const { clock, store, random } = this.#parts;
    let work: Progress[] = submissions.map((submission) => ({ submission, offset: 0 }));
    const steps: Step[][] = submissions.map(() => []);
    const written: StoredPage[] = [];
    let tail = await this.#tails.of(feed);
    let racesLost = 0;

    while (work.some(({ submission, offset }) => offset < submission.events.length)) {
      if (deadline.aborted) throw this.#timedOut(feed);
      if (this.#tails.isTooOld(tail)) tail = await this.#tails.read(feed);
      const putAtEpochMillis = clock.nowEpochMillis();
      tail = await recall(store, tail, work, putAtEpochMillis);
      const plan = planPage(tail, work, putAtEpochMillis);
      if (plan.messages.length > 0) {
        const page = this.#pageOf(plan, putAtEpochMillis);
        await archiveDropped(store, tail, page, deadline);
        if (deadline.aborted) throw this.#timedOut(feed);
        if (!(await this.#put(feed, tail, page, deadline))) {
          racesLost += 1;
          await clock.sleep(racePauseMillis(racesLost, random()), deadline);
          tail = await this.#tails.read(feed);
          continue;
        }
        racesLost = 0;
        this.#count(feed, plan);
        written.push(page);
        tail = this.#advance(tail, page, plan);
      }
      plan.steps.forEach((step, index) => {
        steps[index]?.push(step);
      });
      work = work.map(({ submission, offset }, index) => ({
        submission,
        offset: plan.steps[index]?.offset ?? offset,
      }));
    }

    const results = await Promise.all(
      submissions.map((submission, number) => {
        const { id = "", position = 0 } = submission.producer ?? {};
        return resultOf(feed, submission, steps[number] ?? [], (index) =>
          findResentNumber(store, tail, id, position + index),
        );
      }),
    );
    await this.#notify(tail, written, steps.flat().some(hasDuplicates));
    return results;
  }

  #pageOf(plan: PagePlan, appendedAtEpochMillis: number): StoredPage {
    return {
      ...encodePage(plan.messages),
      first: plan.first,
      appendedAtEpochMillis,
      appendId: this.#parts.newAppendId(),
      runs: plan.runs,
      producers: plan.producers,
      callMemory: packCallMemory(plan.callMemory),
    };
  }

  /** True when this page has the number, also when an earlier attempt of the same put won but its response was lost. */
  async #put(feed: string, tail: WriterTail, page: StoredPage, deadline: AbortSignal): Promise<boolean> {
    const segment = segmentOf(page.first, tail.segmentSize);
    try {
      const result = await this.#parts.store.putPage(feed, segment, page, {
        expiresAtEpochSeconds: expiryOf(page.appendedAtEpochMillis, this.#parts.settings.pageTtlMillis),
        signal: deadline,
      });
      return result.written || result.winner.appendId === page.appendId;
    } catch (cause) {
      this.#tails.forget(feed);
      if (!deadline.aborted) throw cause;
      throw this.#timedOut(feed, cause);
    }
  }

  #timedOut(feed: string, cause?: unknown): AppendTimeoutError {
    this.#parts.metrics.record(feed, { AppendTimeouts: 1 });
    return new AppendTimeoutError({ feed, timeoutMillis: this.#parts.settings.appendTimeoutMillis }, cause);
  }

  #count(feed: string, { messages }: PagePlan): void {
    const gaps = messages.filter(({ type }) => type === GAP_TYPE).length;
    this.#parts.metrics.record(feed, {
      AppendedPages: 1,
      AppendedEvents: messages.length - gaps,
      GapsBeforeIngest: gaps,
    });
  }

  /** The page was written right after the tail, which proves that the tail was current when the put was sent. */
  #advance(tail: WriterTail, page: StoredPage, { callMemory }: PagePlan): WriterTail {
    const advanced: WriterTail = {
      ...tail,
      next: page.first + page.count,
      producers: page.producers,
      callMemory,
      lastAppendedAtEpochMillis: page.appendedAtEpochMillis,
      readAtEpochMillis: page.appendedAtEpochMillis,
    };
    this.#tails.keep(advanced);
    return advanced;
  }

  /**
   * Sends one hint for the whole call. Recognised events also get a hint, without names: their first request may have
   * died between the put and the hint. The pages are durable, so the sweep repairs a hint that cannot be sent.
   */
  async #notify(
    { feed, next }: WriterTail,
    written: readonly StoredPage[],
    isResend: boolean,
  ): Promise<void> {
    const [firstPage] = written;
    if (firstPage === undefined && !isResend) return;
    const names = isResend ? undefined : hintNames(written.flatMap((page) => page.names));
    try {
      await this.#parts.sendNotify({ feed, first: firstPage?.first ?? next, next, ...(names && { names }) });
    } catch (error) {
      this.#parts.log.error("the notify hint could not be sent; the sweep will repair it", { feed, error });
    }
  }
}

function hasDuplicates({ duplicates }: Step): boolean {
  return duplicates.length > 0;
}
