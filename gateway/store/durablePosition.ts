import { FenceLostError, TransactionRefusedError } from "../../shared/errors.ts";
import { type Segment, type Sequence, segmentOf } from "../../shared/queue/sequence.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import {
  advance,
  type Cursor,
  type CursorChange,
  type CursorGap,
  park,
  progress,
  take,
} from "../../shared/sessions/cursor.ts";
import type { OpenPosition, PositionLoss } from "../positions.ts";
import { type Progress, SettledProgress } from "./settledProgress.ts";

export interface DurablePositionParts {
  readonly cursors: {
    readCursor(feed: string, sessionId: string): Promise<Cursor | undefined>;
    write(cursor: Cursor, change: CursorChange): Promise<Cursor>;
  };
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: {
    /** How long a dead gateway's users wait before they can log in again, unless they take over. */
    readonly leaseMillis: number;
  };
}

/** How often it is looked whether a write is due. */
const LOOK_EVERY_MILLIS = 1_000;

/** Between two writes of a moving position. */
export const WRITE_EVERY_MILLIS = 5_000;

/** A connection that ends without an answer is taken back by so much. See `SettledProgress`. */
export const SETTLE_MILLIS = 5_000;

/**
 * A position in a cursor row that a connection holds (shared/sessions/cursor.ts): the connection's counterpart of a
 * turn. The row is written every few seconds while the position moves, when it enters another segment, and before half
 * of the lease is over. A write that finds another fence ends the connection, except when the sweep has moved the
 * position forward: then the row is taken again, and the connection is given the gap to tell.
 *
 * What is stored is always behind what the client's system has acknowledged, so after a crash, a cut or a takeover the
 * next connection begins at or before where this one was: messages may be sent twice, and none is left out.
 */
export class DurablePosition implements OpenPosition {
  readonly next: Sequence;
  readonly gap: CursorGap | undefined;
  readonly #parts: DurablePositionParts;
  readonly #lost = new AbortController();
  readonly #closing = new AbortController();
  readonly #progress: SettledProgress;
  readonly #running: Promise<void>;
  /** The row as last read or written. The next write must find it. */
  #row: Cursor;
  #writtenAtEpochMillis: number;
  /** A gap that the sweep made, for the connection to tell. */
  #gapToTell: CursorGap | undefined;
  #closed: Promise<void> | undefined;

  /** @param row as taken by `hold` */
  constructor(parts: DurablePositionParts, row: Cursor) {
    this.#parts = parts;
    this.#row = row;
    this.#writtenAtEpochMillis = parts.clock.nowEpochMillis();
    this.next = row.next;
    this.gap = row.gap;
    this.#progress = new SettledProgress({ next: row.next, hasToldGap: false }, SETTLE_MILLIS);
    this.#running = this.#run();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  advance(next: Sequence): CursorGap | undefined {
    const gap = this.#gapToTell;
    this.#gapToTell = undefined;
    // What the connection sent before it learnt of the gap was no loss to the client.
    if (gap !== undefined && next <= gap.last) return gap;
    this.#progress.add({ next, hasToldGap: true }, this.#now());
    return undefined;
  }

  close(isReceived = false): Promise<void> {
    this.#closed ??= this.#close(isReceived);
    return this.#closed;
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    const over = AbortSignal.any([this.#lost.signal, this.#closing.signal]);
    while (!over.aborted) {
      await clock.sleep(LOOK_EVERY_MILLIS, over);
      if (!over.aborted) await this.#look();
    }
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const now = this.#now();
    if (now >= (this.#row.leaseUntilEpochMillis ?? 0)) return this.#lose("lease-expired");
    const progressed = this.#progressed(this.#progress.settled(now), now);
    if (!this.#isDue(progressed, now)) return;
    const { leaseMillis } = this.#parts.settings;
    try {
      await this.#write(advance(progressed, { batchLast: undefined, leaseMillis, nowEpochMillis: now }));
    } catch (error) {
      if (error instanceof FenceLostError) await this.#explainLoss();
      // Tried again a second later, until the lease expires.
      else this.#warn("a position could not be written", error);
    }
  }

  #isDue(progressed: Cursor, now: number): boolean {
    const { next, segment, segmentSize, leaseUntilEpochMillis = 0, gap } = this.#row;
    if (leaseUntilEpochMillis - now <= this.#parts.settings.leaseMillis / 2) return true;
    if (segmentOf(progressed.next, segmentSize) !== segmentOf(next, segmentSize)) return true;
    if (now - this.#writtenAtEpochMillis < WRITE_EVERY_MILLIS) return false;
    const crossesLate = segmentOf(next, segmentSize) !== segment;
    return progressed.next !== next || progressed.gap !== gap || crossesLate;
  }

  /** The row with the connection's progress. The sweep may have moved the row beyond it. */
  #progressed(done: Progress, now: number): Cursor {
    const next = Math.max(this.#row.next, done.next);
    return progress(this.#row, {
      next,
      ...(next > this.#row.next ? { sentLast: next - 1 } : {}),
      gapTold: this.#row.gap !== undefined && done.hasToldGap && done.next >= this.#row.next,
      lane: this.#row.lane,
      nowEpochMillis: now,
    });
  }

  /**
   * Writes a change together with any crossing into another segment. If another transaction conflicts, the position
   * stays counted in its old segment. That only keeps data longer, and a later write or the sweep crosses.
   */
  async #write(change: CursorChange): Promise<void> {
    const segment: Segment = segmentOf(change.next ?? this.#row.next, this.#row.segmentSize);
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
    this.#writtenAtEpochMillis = this.#now();
  }

  /** Finds out who changed the row. After an eviction, the connection goes on. */
  async #explainLoss(): Promise<void> {
    try {
      const { feed, session, fence } = this.#row;
      const row = await this.#parts.cursors.readCursor(feed, session);
      const wasEvicted =
        row?.state === "parked" && row.fence === fence + 1 && row.gap?.reason === "retention";
      if (row !== undefined && wasEvicted) await this.#takeAgain(row);
      else this.#lose(lossOf(row));
    } catch (error) {
      if (error instanceof FenceLostError) this.#lose("changed");
      // The row that is kept has an old fence, so the next look finds out again, until the lease expires.
      else this.#warn("a position could not be read", error);
    }
  }

  async #takeAgain(evicted: Cursor): Promise<void> {
    const { leaseMillis } = this.#parts.settings;
    const change = take(evicted, { batchLast: undefined, leaseMillis, nowEpochMillis: this.#now() });
    this.#row = await this.#parts.cursors.write(evicted, change);
    this.#writtenAtEpochMillis = this.#now();
    // Progress that was made before does not count as having told this gap.
    if (this.#progress.newest.next < evicted.next) this.#gapToTell = evicted.gap;
  }

  async #close(isReceived: boolean): Promise<void> {
    this.#closing.abort();
    await this.#running;
    if (this.#lost.signal.aborted) return;
    const now = this.#now();
    const done = isReceived ? this.#progress.newest : this.#progress.settled(now);
    try {
      await this.#write(park(this.#progressed(done, now), now));
    } catch (error) {
      // The new holder, or the end of the lease, makes up for it.
      if (!(error instanceof FenceLostError)) this.#warn("a position could not be given up", error);
    }
  }

  #lose(reason: PositionLoss): void {
    this.#lost.abort(reason);
  }

  #warn(message: string, error: unknown): void {
    const { feed, session } = this.#row;
    this.#parts.log.warn(message, { feed, session, error });
  }

  #now(): number {
    return this.#parts.clock.nowEpochMillis();
  }
}

/** Why a connection finds another row than it has written. */
function lossOf(row: Cursor | undefined): PositionLoss {
  switch (row?.state) {
    case undefined:
      return "deleted";
    case "active":
      return "taken-over";
    case "paused":
      return "paused";
    default:
      return "changed";
  }
}
