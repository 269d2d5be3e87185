import { EMPTY_CALL_MEMORY } from "../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../shared/ami/convert.ts";
import { tokensOf } from "../../shared/ami/readFilter.ts";
import { AppendTimeoutError, PositionConflictError, RelayError } from "../../shared/errors.ts";
import { packCallMemory } from "../../shared/queue/callMemoryCodec.ts";
import type { NotifyHint } from "../../shared/queue/hints.ts";
import { GAP_TYPE } from "../../shared/queue/message.ts";
import type { StoredPage } from "../../shared/queue/page.ts";
import { encodePage } from "../../shared/queue/pageCodec.ts";
import { sequenceIn } from "../../shared/queue/producers.ts";
import { segmentOf } from "../../shared/queue/sequence.ts";
import { readTail, type Tail, type TailSource } from "../../shared/queue/tail.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Metrics } from "../../shared/runtime/metrics.ts";
import type { Settings } from "../../shared/runtime/settings.ts";
import type { EventOrRefusal } from "../../shared/stasis/event.ts";
import { type PagePlan, type Progress, planPage, type Step, type Submission } from "./appendPlan.ts";
import { racePauseMillis } from "./appendRace.ts";

/** What became of one submission. Numbers are null when there is nothing to number or it was freed meanwhile. */
export interface AppendResult {
  readonly first: number | null;
  readonly last: number | null;
  /** Appended now. */
  readonly accepted: number;
  /** Recognised: appended by an earlier request. */
  readonly duplicates: number;
  readonly refused: readonly { readonly index: number; readonly error: string }[];
}

export type PutResult = { readonly written: true } | { readonly written: false; readonly winner: StoredPage };

export interface AppendStore extends TailSource {
  createFeed(feed: string, segmentSize: number): Promise<void>;
  /** Writes the page unless its number is taken; then tells who took it. */
  putPage(
    feed: string,
    segment: number,
    page: StoredPage,
    options: { expiresAtEpochSeconds: number; signal: AbortSignal },
  ): Promise<PutResult>;
  readPageAt(feed: string, segment: number, first: number): Promise<StoredPage | undefined>;
}

export interface AppendParts {
  readonly store: AppendStore;
  sendNotify(hint: NotifyHint): Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "record">;
  readonly settings: Pick<
    Settings,
    "segmentSize" | "tailCacheMillis" | "appendTimeoutMillis" | "pageTtlMillis"
  >;
  newAppendId(): string;
  /** Uniform in [0, 1). */
  random(): number;
}

/** Tails that one writer keeps in mind. */
const CACHED_FEEDS = 1000;

/** Pages that are walked back to find a resent event's number; older ones are told as duplicates without a number. */
const RESEND_SEARCH_PAGES = 200;

/**
 * Appends submissions to a feed: pages by conditional puts on the next number, then one notify hint.
 * Knows nothing of sessions, and its cost does not depend on them.
 */
export class Appender {
  readonly #parts: AppendParts;
  readonly #tails = new Map<string, Tail>();

  constructor(parts: AppendParts) {
    this.#parts = parts;
  }

  /**
   * All submissions of one call go into common pages as far as they fit. A result per submission, in order; a
   * PositionConflictError in place of a result says that this submission was not taken.
   * @throws AppendTimeoutError when other writers or a slow table left no time. Resending is safe with a producer.
   */
  async append(
    feed: string,
    submissions: readonly Submission[],
  ): Promise<(AppendResult | PositionConflictError)[]> {
    const { clock, settings } = this.#parts;
    const deadline = AbortSignal.timeout(settings.appendTimeoutMillis);
    let work: Progress[] = submissions.map((submission) => ({ submission, offset: 0 }));
    const steps: Step[][] = submissions.map(() => []);
    const hint: { first?: number; names: Set<string> } = { names: new Set() };
    let tail = await this.#tail(feed);
    let racesLost = 0;

    while (work.some(({ submission, offset }) => offset < submission.events.length)) {
      if (deadline.aborted) throw this.#timedOut(feed);
      // A number may be written only while no segment that was open when the tail was read can have been freed:
      // the condition on a freed number would pass again.
      // Each page of ours renews that proof, but not what is known of the feed's options.
      const oldestEpochMillis = clock.nowEpochMillis() - settings.tailCacheMillis;
      if (tail.readAtEpochMillis < oldestEpochMillis || tail.headReadAtEpochMillis < oldestEpochMillis)
        tail = await this.#freshTail(feed);
      const putAtEpochMillis = clock.nowEpochMillis();
      const plan = planPage(tail, work, putAtEpochMillis);
      if (plan.messages.length > 0) {
        const page = this.#pageOf(plan, putAtEpochMillis);
        if (!(await this.#put(feed, tail, page, deadline))) {
          racesLost += 1;
          await clock.sleep(racePauseMillis(racesLost, this.#parts.random()), deadline);
          tail = await this.#freshTail(feed);
          continue;
        }
        this.#count(feed, plan);
        racesLost = 0;
        hint.first ??= plan.first;
        for (const name of page.names) hint.names.add(name);
        tail = this.#advance(tail, page, plan, putAtEpochMillis);
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
      submissions.map((submission, index) => this.#resultOf(feed, tail, submission, steps[index] ?? [])),
    );
    await this.#notify(feed, tail, hint, submissions, steps);
    return results;
  }

  async #tail(feed: string): Promise<Tail> {
    return this.#tails.get(feed) ?? this.#freshTail(feed);
  }

  async #freshTail(feed: string): Promise<Tail> {
    const { store, clock, settings } = this.#parts;
    const now = () => clock.nowEpochMillis();
    let tail = await readTail(store, feed, now);
    if (tail === undefined) {
      await store.createFeed(feed, settings.segmentSize);
      tail = await readTail(store, feed, now);
    }
    if (tail === undefined)
      throw new RelayError("feed.vanished", `feed ${feed} has no head item`, { retryable: true });
    this.#keep(tail);
    return tail;
  }

  #keep(tail: Tail): void {
    this.#tails.delete(tail.feed);
    this.#tails.set(tail.feed, tail);
    const oldest = this.#tails.keys().next();
    if (this.#tails.size > CACHED_FEEDS && !oldest.done) this.#tails.delete(oldest.value);
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

  /** True when the number is ours, also when an earlier try of the same put won and its answer was lost. */
  async #put(feed: string, tail: Tail, page: StoredPage, deadline: AbortSignal): Promise<boolean> {
    const segment = segmentOf(page.first, tail.segmentSize);
    const expiresAtEpochMillis = page.appendedAtEpochMillis + this.#parts.settings.pageTtlMillis;
    try {
      const result = await this.#parts.store.putPage(feed, segment, page, {
        expiresAtEpochSeconds: Math.ceil(expiresAtEpochMillis / 1000),
        signal: deadline,
      });
      return result.written || result.winner.appendId === page.appendId;
    } catch (cause) {
      this.#tails.delete(feed);
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

  /** Our page being the one after the tail proves that the tail was true when the put was sent. */
  #advance(tail: Tail, page: StoredPage, { callMemory }: PagePlan, putAtEpochMillis: number): Tail {
    const advanced: Tail = {
      ...tail,
      next: page.first + page.count,
      producers: page.producers,
      callMemory,
      lastAppendedAtEpochMillis: page.appendedAtEpochMillis,
      readAtEpochMillis: putAtEpochMillis,
    };
    this.#keep(advanced);
    return advanced;
  }

  async #resultOf(
    feed: string,
    tail: Tail,
    submission: Submission,
    steps: readonly Step[],
  ): Promise<AppendResult | PositionConflictError> {
    const { producer, events } = submission;
    const conflict = steps.find((step) => step.conflict)?.conflict;
    if (conflict && producer)
      return new PositionConflictError({
        feed,
        producer: producer.id,
        position: producer.position,
        ...conflict,
      });
    const refused = events.flatMap((item, index) => ("error" in item ? [{ index, error: item.error }] : []));
    const duplicates = steps.flatMap((step) => step.duplicates);
    const appended = steps.filter((step) => step.first !== undefined);
    // Duplicates come before anything new: a producer's positions only grow.
    const [oldFirst, oldLast] = [duplicates[0], duplicates.at(-1)];
    const first =
      oldFirst === undefined ? appended[0]?.first : await this.#originalOf(feed, tail, submission, oldFirst);
    const last =
      appended.at(-1)?.last ??
      (oldLast === undefined ? undefined : await this.#originalOf(feed, tail, submission, oldLast));
    return {
      first: first ?? null,
      last: last ?? null,
      accepted: steps.reduce((sum, step) => sum + step.accepted, 0),
      duplicates: duplicates.length,
      refused,
    };
  }

  /** Walks the producer's pages back to the one that holds the resent event. */
  async #originalOf(
    feed: string,
    tail: Tail,
    { producer }: Submission,
    index: number,
  ): Promise<number | undefined> {
    if (!producer) return undefined;
    const position = producer.position + index;
    let pageFirst = tail.producers.find(({ id }) => id === producer.id)?.page ?? 0;
    for (let step = 0; step < RESEND_SEARCH_PAGES && pageFirst > 0; step += 1) {
      const page = await this.#parts.store.readPageAt(
        feed,
        segmentOf(pageFirst, tail.segmentSize),
        pageFirst,
      );
      const sequence = page && sequenceIn(page.runs, producer.id, position);
      if (sequence !== undefined) return sequence;
      pageFirst = page?.runs.find((run) => run.producer === producer.id)?.earlierPage ?? 0;
    }
    return undefined;
  }

  /**
   * One hint for the whole call. It is sent for recognised events too: their first request may have died between
   * the put and the hint. The pages are durable, so a hint that cannot be sent is left to the sweep.
   */
  async #notify(
    feed: string,
    tail: Tail,
    hint: { first?: number; names: Set<string> },
    submissions: readonly Submission[],
    steps: readonly (readonly Step[])[],
  ): Promise<void> {
    for (const [number, submission] of submissions.entries())
      for (const index of steps[number]?.flatMap((step) => step.duplicates) ?? []) {
        const item = submission.events[index];
        if (item) for (const name of namesOf(item, tail.wrapUnmapped)) hint.names.add(name);
      }
    if (hint.names.size === 0) return;
    try {
      await this.#parts.sendNotify({
        feed,
        first: hint.first ?? tail.next,
        next: tail.next,
        names: [...hint.names],
      });
    } catch (error) {
      this.#parts.log.error("the notify hint could not be sent; the sweep will repair it", { feed, error });
    }
  }
}

/** What a page that holds the event has among its names. */
function namesOf(item: EventOrRefusal, wrapUnmapped: boolean): readonly string[] {
  if ("error" in item) return [];
  if ("ami" in item) return tokensOf(item.ami);
  const ami = new AmiConverter(EMPTY_CALL_MEMORY, { wrapUnmapped }).convert(item.event);
  return [item.event.type, ...(ami ? tokensOf(ami) : [])];
}
