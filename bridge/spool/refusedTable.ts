import type { DatabaseSync, StatementSync } from "node:sqlite";
import * as z from "zod";
import { storedBytes } from "./spoolLimits.ts";
import type { SpoolState } from "./spoolState.ts";

/** What is kept of refused events; the oldest make room and are counted. */
export const REFUSED_LIMITS = { records: 10_000, bytes: 16 * 1024 * 1024 };

const MAX_REASON_CHARACTERS = 500;

const sizeSchema = z.object({ size: z.number().int() });

/** Events that the relay refused, with its reasons. The `spool` commands show them. */
export class RefusedTable {
  readonly #insert: StatementSync;
  readonly #removeOldest: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      `INSERT INTO refused (producer, position, format, received_at_epoch_millis, refused_at_epoch_millis, reason, body)
       SELECT ?, ?, format, received_at_epoch_millis, ?, ?, body FROM records WHERE id = ?
       RETURNING length(body) AS size`,
    );
    this.#removeOldest = database.prepare(
      "DELETE FROM refused WHERE id = (SELECT min(id) FROM refused) RETURNING length(body) AS size",
    );
  }

  /** Copies a record, and returns the changed state. */
  add(
    state: SpoolState,
    refused: { id: number; position: number; reason: string },
    nowEpochMillis: number,
  ): SpoolState {
    const { id, position, reason } = refused;
    const row = this.#insert.get(
      state.producer,
      position,
      nowEpochMillis,
      reason.slice(0, MAX_REASON_CHARACTERS).toWellFormed(),
      id,
    );
    if (row === undefined) return state;
    let changed: SpoolState = {
      ...state,
      refused: state.refused + 1,
      refused_bytes: state.refused_bytes + bytesOf(row),
    };
    while (changed.refused > REFUSED_LIMITS.records || changed.refused_bytes > REFUSED_LIMITS.bytes) {
      const removed = this.#removeOldest.get();
      if (removed === undefined) break;
      changed = {
        ...changed,
        refused: changed.refused - 1,
        refused_bytes: changed.refused_bytes - bytesOf(removed),
        refused_dropped: changed.refused_dropped + 1,
      };
    }
    return changed;
  }
}

function bytesOf(row: unknown): number {
  return storedBytes(new Uint8Array(0)) + sizeSchema.parse(row).size;
}
