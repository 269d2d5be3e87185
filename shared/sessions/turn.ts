import {
  EventFilterError,
  FenceLostError,
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
  park,
  progress,
  suspend,
  take,
} from "./cursor.ts";
import type { Outlet } from "./outlet.ts";

export interface TurnParts {
  readonly cursors: { write(cursor: Cursor, change: CursorChange): Promise<Cursor> };
  readonly wakes: { sendWake(cursor: Cursor, delayMillis?: number): Promise<void> };
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "record">;
  readonly settings: Pick<Settings, "leaseMillis" | "lingerMillis">;
  /** Aborts when the process is to stop: lingering ends and no further batch begins. */
  readonly stopping: AbortSignal;
}

/** What one turn is about. */
export interface TurnTask {
  /** The row as it was read; the caller has checked that it can be taken. */
  readonly cursor: Cursor;
  readonly outlet: Outlet;
  readonly follower: Follower;
  /** From then on the turn begins no further batch. */
  readonly endsAtEpochMillis: number;
}

/** Of an error's message on the row: a filter may stand in it. */
const MAX_DETAIL_CHARACTERS = 300;

/** Two deliveries closer together than this mean that the feed is busy and lingering pays. */
const BUSY_GAP_MILLIS = 2_000;

/**
 * One turn of one session: takes its cursor, sends batch after batch, and parks. The rules of each write are those of
 * cursor.ts. A turn that loses its row to someone else ends at once and in silence: the new holder goes on.
 */
export async function runTurn(parts: TurnParts, task: TurnTask): Promise<void> {
  const turn = new Turn(parts, task);
  try {
    await turn.run();
  } catch (error) {
    const { feed, session } = task.cursor;
    if (error instanceof FenceLostError)
      parts.log.info("someone else has the session now", { feed, session });
    else if (error instanceof PageUnreadableError)
      await turn.suspendFor("a page cannot be read; the session is suspended", error);
    else if (error instanceof EventFilterError || error instanceof FilterCostError)
      await turn.suspendFor("the session's filter cannot be used; the session is suspended", error);
    else throw error;
  }
}

class Turn {
  readonly #parts: TurnParts;
  readonly #task: TurnTask;
  /** The row as it was last read or written: what the next write must find. */
  #row: Cursor;
  /** The row with the progress that is not written yet. */
  #cursor: Cursor;
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
        // Every request follows a write that names the fence. It holds the progress and the end of the batch, so
        // whoever repeats the batch after a crash sends the same messages under the same id.
        if (batch !== undefined && batch.messages.length > 0)
          await this.#write(advance(this.#cursor, this.#lease(batch)));
      }
      await this.#write(park(this.#cursor, this.#now()));
      // A page that was appended before the row said "parked" had nobody to wake: its notify saw an active row.
      // So the tail is read again, strongly, after parking.
      batch = await this.#plan();
    } while (batch !== undefined);
  }

  /** What cannot be read or judged must not be skipped in silence: the session stops until a person looks. */
  async suspendFor(logged: string, error: RelayError): Promise<void> {
    this.#parts.log.error(logged, {
      session: this.#cursor.session,
      ...error.facts,
    });
    const failure = {
      reason: error.code,
      detail: error.message.slice(0, MAX_DETAIL_CHARACTERS),
      atEpochMillis: this.#now(),
    };
    await this.#write(suspend(this.#cursor, failure));
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

  /** The next batch by strongly consistent reads; undefined when the cursor stands at the end of the queue. */
  async #plan(): Promise<Batch | undefined> {
    const { next, batchLast, gap } = this.#cursor;
    if (gap !== undefined) return planGap({ ...this.#cursor, gap }, this.#now());
    const { follower, outlet } = this.#task;
    // A batch that another process began may reach beyond the pages that this one has in its cache.
    const pages = await follower.readThrough(next, batchLast);
    const [firstPage] = pages;
    if (firstPage !== undefined && firstPage.first > next) return this.#planExpiredGap(firstPage.first);
    return outlet.plan(this.#cursor, pages);
  }

  /** The pages from `next` to `first` outlived their time to live, so the session never gets them. */
  #planExpiredGap(first: Sequence): Batch {
    this.#parts.metrics.record(this.#cursor.feed, { GapsExpired: 1 });
    const gap = { first: this.#cursor.next, last: first - 1, reason: "expired" as const };
    this.#cursor = { ...this.#cursor, next: first, batchLast: undefined, gap };
    return planGap({ ...this.#cursor, gap }, this.#now());
  }

  /**
   * While the feed is busy, waiting for the next page is cheaper than parking and being woken. When the page comes
   * with the first tick, one write holds the progress and the next plan; else the progress is written by itself.
   */
  async #linger(): Promise<Batch | undefined> {
    const { settings, stopping } = this.#parts;
    const { follower, endsAtEpochMillis } = this.#task;
    if (!this.#isBusy) return undefined;
    const untilEpochMillis = Math.min(this.#now() + settings.lingerMillis, endsAtEpochMillis);
    for (let tick = 0; this.#now() < untilEpochMillis && !stopping.aborted; tick += 1) {
      await follower.nextTick(stopping);
      const batch = await this.#plan();
      if (batch !== undefined) return batch;
      if (tick === 0) await this.#write(advance(this.#cursor, this.#lease(undefined)));
    }
    return undefined;
  }

  /** Sends the batch and returns the session's lane from now on; undefined when the turn ended with the answer. */
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
    if (batch.messages.length > 0)
      this.#isBusy = before !== undefined && nowEpochMillis - before < BUSY_GAP_MILLIS;
    this.#cursor = progress(this.#cursor, {
      next: batch.last + 1,
      sentLast: batch.messages.at(-1)?.sequence,
      gapTold: batch.tellsGap,
      lane,
      nowEpochMillis,
    });
  }

  /** Gives the turn up with work left: first the row, then the wake. The sweep repairs a crash between the two. */
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
