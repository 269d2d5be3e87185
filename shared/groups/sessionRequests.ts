import { RelayError } from "../errors.ts";
import type { Follower } from "../queue/follower.ts";
import type { Sequence } from "../queue/sequence.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { type Batch, planGap } from "../sessions/batch.ts";
import type { Cursor } from "../sessions/cursor.ts";
import type { Outlet } from "../sessions/outlet.ts";
import { begin, type GroupCursor, passExpired } from "./groupCursor.ts";
import type { HeldGroup } from "./heldGroup.ts";
import { cursorOf } from "./membership.ts";
import { type Outcome, outcomeOf, outcomeOfError, passed } from "./outcome.ts";
import { mayBegin, permittedEnd } from "./permission.ts";

/**
 * A batch covers at most this many pages. Together with the end up to which batches are cut, it makes a batch a function of
 * the log: what a process has in its cache does not matter.
 */
const MOST_PAGES = 25;

/** A session's next batch, from its planning to the endpoint's answer. */
export interface SessionRequest {
  readonly session: string;
  readonly generation: number;
  /** Absent while the batch is planned: nothing was sent yet. */
  sentAtEpochMillis?: number;
  /** Nobody waits for the outcome: the session was moved or deleted, or the turn has ended. */
  isDropped: boolean;
  /** Resolves with the outcome; undefined when there was nothing to send. Never rejects. */
  outcome: Promise<Outcome | undefined>;
}

interface RequestParts {
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "record">;
  readonly onError: (session: string, error: unknown) => void;
}

/** The requests of a turn: one at a time for each session, all of them side by side. */
export class SessionRequests {
  readonly #parts: RequestParts;
  readonly #held: HeldGroup;
  readonly #follower: Follower;
  readonly #running = new Map<string, SessionRequest>();
  readonly #ending = new Set<Promise<unknown>>();
  readonly #answered: { request: SessionRequest; outcome: Outcome | undefined }[] = [];
  #answer = new AbortController();

  constructor(parts: RequestParts, held: HeldGroup, follower: Follower) {
    this.#parts = parts;
    this.#held = held;
    this.#follower = follower;
  }

  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** A session counts as running until its outcome is taken: until then its cursor is as it was before the batch. */
  isRunning(session: string): boolean {
    return this.#running.has(session);
  }

  /** Whether a batch is planned that was not sent yet. */
  get isPlanning(): boolean {
    return this.sent().length < this.#running.size;
  }

  /** The requests whose batches were sent. */
  sent(): SessionRequest[] {
    return [...this.#running.values()].filter(({ sentAtEpochMillis }) => sentAtEpochMillis !== undefined);
  }

  start(session: string, outlet: Outlet): void {
    const cursor = this.#held.cursorOf(session);
    if (cursor === undefined) return;
    const request: SessionRequest = {
      session,
      generation: cursor.generation,
      isDropped: false,
      outcome: Promise.resolve(undefined),
    };
    this.#running.set(session, request);
    request.outcome = this.#run(request, outlet);
    this.#ending.add(request.outcome);
    void request.outcome.then((outcome) => {
      this.#ending.delete(request.outcome);
      this.#answered.push({ request, outcome });
      // A reason of our own: the default one is an exception with a stack.
      this.#answer.abort("answered");
    });
  }

  /** Resolves when no request is under way, dropped ones included. */
  async ended(): Promise<void> {
    await Promise.all(this.#ending);
  }

  /** Aborted when a request has ended whose outcome was not taken yet. */
  get answer(): AbortSignal {
    return this.#answer.signal;
  }

  /** The outcomes that came since the last call, in order. Those of sessions that somebody moved or deleted do not count. */
  takeAnswered(): { session: string; outcome: Outcome }[] {
    if (this.#answer.signal.aborted) this.#answer = new AbortController();
    return this.#answered.splice(0).flatMap(({ request, outcome }) => {
      if (this.#running.get(request.session) === request) this.#running.delete(request.session);
      const isCurrent = !request.isDropped && !this.#isMoved(request);
      return isCurrent && outcome !== undefined ? [{ session: request.session, outcome }] : [];
    });
  }

  /** Drops the requests of sessions that somebody moved or deleted. */
  dropMoved(): void {
    this.#drop((request) => this.#isMoved(request));
  }

  /** Drops the batches that were not sent yet. */
  dropPlanned(): void {
    this.#drop(({ sentAtEpochMillis }) => sentAtEpochMillis === undefined);
  }

  #isMoved({ session, generation }: SessionRequest): boolean {
    return this.#held.cursorOf(session)?.generation !== generation;
  }

  #drop(isToBeDropped: (request: SessionRequest) => boolean): void {
    for (const request of this.#running.values()) {
      if (!isToBeDropped(request)) continue;
      request.isDropped = true;
      this.#running.delete(request.session);
    }
  }

  async #run(request: SessionRequest, outlet: Outlet): Promise<Outcome | undefined> {
    const { session } = request;
    const now = () => this.#parts.clock.nowEpochMillis();
    try {
      const begun = await this.#begin(request, outlet);
      if (begun === undefined) return undefined;
      const { batch, cursor } = begun;
      return outcomeOf(batch, await outlet.send(cursor, batch), now());
    } catch (error) {
      this.#parts.onError(session, error);
      return outcomeOfError(error, this.#held.cursorOf(session)?.attempts ?? 0, now());
    }
  }

  /** Passes batches without messages, and begins the first one that has any. */
  async #begin(
    request: SessionRequest,
    outlet: Outlet,
  ): Promise<{ batch: Batch; cursor: Cursor } | undefined> {
    const { session } = request;
    const { clock } = this.#parts;
    for (;;) {
      while (this.#held.writing) await this.#held.writing;
      const cursor = this.#permitted(request);
      if (cursor === undefined) return undefined;
      const end = permittedEnd(cursor, this.#held.base.planned);
      const batch = await this.#plan(session, cursor, end, outlet);
      // The row says where the batch ends only if it is as it was when the batch was cut. From here on nothing may come
      // between.
      while (this.#held.writing) await this.#held.writing;
      const now = this.#permitted(request);
      const view = cursorOf(this.#held.mine, session);
      if (now === undefined || view === undefined) return undefined;
      if (!isSamePlace(now, cursor) || permittedEnd(now, this.#held.base.planned) !== end) continue;
      if ("expiredBefore" in batch) {
        const { expiredBefore } = batch;
        this.#parts.metrics.record(this.#held.base.feed, { GapsExpired: 1 });
        this.#held.change(session, (each) => passExpired(each, expiredBefore));
      } else if (batch.messages.length === 0)
        this.#held.change(session, passed(batch, clock.nowEpochMillis()).change);
      else {
        this.#held.change(session, (each) => begin(each, batch));
        request.sentAtEpochMillis = clock.nowEpochMillis();
        return { batch, cursor: view };
      }
    }
  }

  /** The session's cursor, if the request still counts and the session may begin. */
  #permitted({ session, generation, isDropped }: SessionRequest): GroupCursor | undefined {
    const cursor = this.#held.cursorOf(session);
    if (isDropped || cursor === undefined || cursor.generation !== generation) return undefined;
    const isPermitted = mayBegin(cursor, this.#held.base.planned, this.#parts.clock.nowEpochMillis());
    return isPermitted ? cursor : undefined;
  }

  async #plan(
    session: string,
    { next, generation, batchLast, gap }: GroupCursor,
    end: Sequence | undefined,
    outlet: Outlet,
  ): Promise<Batch | { readonly expiredBefore: Sequence }> {
    if (gap !== undefined)
      return planGap({ session, generation, next, gap }, this.#parts.clock.nowEpochMillis());
    const pages =
      batchLast === undefined
        ? await this.#follower.readUpTo(next, end ?? 0, MOST_PAGES)
        : await this.#follower.readThrough(next, batchLast);
    const [first] = pages;
    if (first !== undefined && first.first > next) return { expiredBefore: first.first };
    const cursor = cursorOf(this.#held.mine, session);
    const batch = cursor && (await outlet.plan({ ...cursor, next, generation, batchLast }, pages));
    if (batch === undefined)
      throw new RelayError("page.missing", `there is no page with ${next}, though the feed was longer`, {
        retryable: true,
      });
    return batch;
  }
}

function isSamePlace(now: GroupCursor, cursor: GroupCursor): boolean {
  return now.next === cursor.next && now.batchLast === cursor.batchLast && now.gap === cursor.gap;
}
