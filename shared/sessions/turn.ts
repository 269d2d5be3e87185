import {
  EventFilterError,
  FenceLostError,
  FilterBusyError,
  FilterCostError,
  PageUnreadableError,
  type RelayError,
  TransactionRefusedError,
} from "../errors.ts";
import type { Follower } from "../queue/follower.ts";
import { type Sequence, segmentOf } from "../queue/sequence.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Settings } from "../runtime/settings.ts";
import type { Batch } from "./batch.ts";
import { planGap } from "./batch.ts";
import {
  advance,
  backOff,
  type Cursor,
  type CursorChange,
  changeLane,
  type DeliveryFailure,
  park,
  progress,
  suspend,
  take,
} from "./cursor.ts";
import { isFeedBusy } from "./lingering.ts";
import type { Outlet } from "./outlet.ts";

export interface TurnParts {
  readonly cursors: { write(cursor: Cursor, change: CursorChange): Promise<Cursor> };
  readonly wakes: { sendWake(cursor: Cursor, delayMillis?: number): Promise<void> };
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "record">;
  readonly settings: Pick<Settings, "leaseMillis" | "lingerMillis">;
  /** Aborts when the process must stop: lingering ends and no further batch begins. */
  readonly stopping: AbortSignal;
}

/** The task of one turn. */
export interface TurnTask {
  /** The row as read. The caller has checked that it can be taken. */
  readonly cursor: Cursor;
  readonly outlet: Outlet;
  readonly follower: Follower;
  /** After this time the turn begins no further batch. */
  readonly endsAtEpochMillis: number;
}

/** Longest error message on the row: it may quote a filter. */
const MAX_DETAIL_CHARACTERS = 300;

/** How long a session with a slow filter waits for its turn. The wait grows with each further time. */
const FILTER_WAIT_MILLIS = 1_000;
const LONGEST_FILTER_WAIT_MILLIS = 15_000;

/**
 * One turn of one session: takes the cursor, sends batch after batch, and parks. The rules of each write are in
 * cursor.ts. A turn that loses its row ends at once without an error: the new holder continues.
 */
export async function runTurn(parts: TurnParts, task: TurnTask): Promise<void> {
  const turn = new Turn(parts, task);
  try {
    await turn.run().catch((error) => turn.stopFor(error));
  } catch (error) {
    const { feed, session } = task.cursor;
    if (!(error instanceof FenceLostError)) throw error;
    parts.log.info("the turn ends: its cursor was taken over", { feed, session });
  }
}

class Turn {
  readonly #parts: TurnParts;
  readonly #task: TurnTask;
  /** The row as last read or written. The next write must find it. */
  #row: Cursor;
  /** The row plus the progress that is not written yet. */
  #cursor: Cursor;
  /** Of the last read of the queue's end. */
  #readMark = 0;
  #isBusy = false;

  constructor(parts: TurnParts, task: TurnTask) {
    this.#parts = parts;
    this.#task = task;
    this.#row = task.cursor;
    this.#cursor = task.cursor;
  }

  async run(): Promise<void> {
    let batch = await this.#plan();
    if (batch === undefined && this.#cursor.state === "parked") return;
    do {
      await this.#write(take(this.#cursor, this.#lease(batch)));
      while (batch !== undefined) {
        const lane = await this.#send(batch);
        if (lane === undefined) return;
        const hasChangedLane = lane !== this.#cursor.lane;
        this.#pass(batch, lane);
        if (hasChangedLane || this.#isOver()) return await this.#parkAndWake();
        batch = (await this.#plan()) ?? (await this.#linger());
        // Every request follows a write that names the fence. The write stores the progress and the end of the batch,
        // so after a crash the next holder sends the same messages with the same id.
        if (batch !== undefined && batch.messages.length > 0)
          await this.#write(advance(this.#cursor, this.#lease(batch)));
      }
      await this.#write(park(this.#cursor, this.#now()));
      // A page appended before the row was marked parked had no session to wake: its notify saw an active row.
      // So the turn reads again, strongly consistent, after parking.
      batch = await this.#plan();
    } while (batch !== undefined);
  }

  /** Writes why the turn ended early, so that the session's owner can read it. */
  async stopFor(error: unknown): Promise<void> {
    if (error instanceof FilterBusyError) await this.#backOffFor(error);
    else if (error instanceof PageUnreadableError)
      await this.#suspendFor("a page cannot be read; the session is suspended", error);
    else if (error instanceof EventFilterError || error instanceof FilterCostError)
      await this.#suspendFor("the session's filter cannot be used; the session is suspended", error);
    else throw error;
  }

  /** An unreadable page must not be skipped silently: the session stops until a person repairs it. So it does for a bad filter. */
  async #suspendFor(logged: string, error: RelayError): Promise<void> {
    this.#parts.log.error(logged, {
      session: this.#cursor.session,
      ...error.facts,
    });
    await this.#write(suspend(this.#cursor, this.#failureFor(error)));
  }

  /** Waiting here for the filter's share of the process would take the place of a session that can be served. */
  async #backOffFor(error: RelayError): Promise<void> {
    const { batchLast, attempts } = this.#cursor;
    if (this.#row.state !== "active")
      await this.#write(take(this.#cursor, { ...this.#lease(undefined), batchLast }));
    const delayMillis = Math.min(LONGEST_FILTER_WAIT_MILLIS, (attempts + 1) * FILTER_WAIT_MILLIS);
    await this.#write(backOff(this.#cursor, this.#failureFor(error), this.#now() + delayMillis));
    await this.#parts.wakes.sendWake(this.#cursor, delayMillis);
  }

  #failureFor({ code, message }: RelayError): DeliveryFailure {
    return {
      reason: code,
      detail: message.slice(0, MAX_DETAIL_CHARACTERS),
      atEpochMillis: this.#now(),
    };
  }

  #now(): number {
    return this.#parts.clock.nowEpochMillis();
  }

  #isOver(): boolean {
    return this.#parts.stopping.aborted || this.#now() >= this.#task.endsAtEpochMillis;
  }

  #lease(batch: Batch | undefined) {
    return {
      batchLast: batch === undefined || batch.tellsGap ? undefined : batch.last,
      leaseMillis: this.#parts.settings.leaseMillis,
      nowEpochMillis: this.#now(),
    };
  }

  /** The next batch, from strongly consistent reads; undefined when the cursor is at the end of the queue. */
  async #plan(): Promise<Batch | undefined> {
    const { next, batchLast, gap } = this.#cursor;
    if (gap !== undefined) return planGap({ ...this.#cursor, gap }, this.#now());
    const { follower, outlet } = this.#task;
    this.#readMark = follower.mark();
    // A batch begun by another process may reach beyond the pages in this process's cache.
    const pages = await follower.readThrough(next, batchLast);
    const [firstPage] = pages;
    if (firstPage !== undefined && firstPage.first > next) return this.#planExpiredGap(firstPage.first);
    return outlet.plan(this.#cursor, pages);
  }

  /** The pages from `next` up to `first` have expired, so the session never gets them. */
  #planExpiredGap(first: Sequence): Batch {
    this.#parts.metrics.record(this.#cursor.feed, { GapsExpired: 1 });
    const gap = { first: this.#cursor.next, last: first - 1, reason: "expired" as const };
    this.#cursor = { ...this.#cursor, next: first, batchLast: undefined, gap };
    return planGap({ ...this.#cursor, gap }, this.#now());
  }

  /**
   * While the feed is busy, waiting for the next page is cheaper than parking and being woken. If the page comes with
   * the first tick, one write stores both the progress and the next plan. Otherwise the progress gets its own write.
   */
  async #linger(): Promise<Batch | undefined> {
    const { settings, stopping } = this.#parts;
    const { follower, endsAtEpochMillis } = this.#task;
    if (!this.#isBusy) return undefined;
    const untilEpochMillis = Math.min(this.#now() + settings.lingerMillis, endsAtEpochMillis);
    for (let tick = 0; this.#now() < untilEpochMillis && !stopping.aborted; tick += 1) {
      await follower.nextTick(this.#readMark, stopping);
      const batch = await this.#plan();
      if (batch !== undefined) return batch;
      if (tick === 0) await this.#write(advance(this.#cursor, this.#lease(undefined)));
    }
    return undefined;
  }

  /** Sends the batch and returns the session's new lane; undefined when the answer ended the turn. */
  async #send(batch: Batch): Promise<Cursor["lane"] | undefined> {
    if (batch.messages.length === 0) return this.#cursor.lane;
    const answer = await this.#task.outlet.send(this.#cursor, batch);
    const begun = { ...this.#cursor, batchLast: this.#lease(batch).batchLast };
    switch (answer.kind) {
      case "accepted":
        return answer.lane;
      case "outstayed":
        await this.#write(changeLane(begun, this.#now()));
        await this.#parts.wakes.sendWake(this.#cursor);
        return undefined;
      case "failed": {
        const { failure, dueAtEpochMillis } = answer;
        await this.#write(backOff(begun, failure, dueAtEpochMillis));
        await this.#parts.wakes.sendWake(this.#cursor, Math.max(0, dueAtEpochMillis - this.#now()));
        return undefined;
      }
      case "given-up":
        await this.#write(suspend(begun, answer.failure));
        return undefined;
    }
  }

  #pass(batch: Batch, lane: Cursor["lane"]): void {
    const nowEpochMillis = this.#now();
    const before = this.#cursor.lastDeliveryEpochMillis;
    if (batch.messages.length > 0) this.#isBusy = isFeedBusy(before, nowEpochMillis);
    this.#cursor = progress(this.#cursor, {
      next: batch.last + 1,
      sentLast: batch.messages.at(-1)?.sequence,
      gapTold: batch.tellsGap,
      lane,
      nowEpochMillis,
    });
  }

  /** Ends the turn with work left: parks the row, then sends the wake. The sweep repairs a crash between the two. */
  async #parkAndWake(): Promise<void> {
    await this.#write(park(this.#cursor, this.#now()));
    await this.#parts.wakes.sendWake(this.#cursor);
  }

  /**
   * Writes a transition together with any crossing into another segment. If another transaction conflicts, the session
   * stays counted in its old segment. That only keeps data longer, and a later write or the sweep crosses.
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
