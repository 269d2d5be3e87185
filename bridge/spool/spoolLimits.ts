import type { DatabaseSync, StatementSync } from "node:sqlite";
import * as z from "zod";
import { gapRecord } from "./gapRecord.ts";
import type { SpoolState } from "./spoolState.ts";

export interface SpoolLimits {
  /** The most that the records may take, with what is stored beside each. At least `SMALLEST_MAX_BYTES`. */
  readonly maxBytes: number;
  /** Older records are removed, once a minute. The time during which the spool was closed counts. */
  readonly maxAgeMillis: number;
  /**
   * `drop-oldest`: the oldest records that were not handed out make room, and a gap record takes their place.
   * `block`: nothing is ever removed, and `append` refuses with the code `spool.full`.
   */
  readonly policy: "drop-oldest" | "block";
}

/** What SQLite stores beside a body. */
const ROW_BYTES = 24;

export function storedBytes(body: Uint8Array): number {
  return body.byteLength + ROW_BYTES;
}

/** The most that `read` hands out at once: what the relay accepts in one request. */
export const MAX_READ = { records: 10_000, bytes: 1024 * 1024 };

/** Far above what `read` may have handed out, which the limits never remove. */
export const SMALLEST_MAX_BYTES = 4 * MAX_READ.bytes;

/** A record's end of line, or the empty line after an AMI block. */
const SEPARATOR_BYTES = 4;

/** How many of the first records a `read` hands out. Sizes are of the bodies, oldest first. */
export function countWithin(sizes: Iterable<number>, limit: { records: number; bytes: number }): number {
  let count = 0;
  let bytes = 0;
  for (const size of sizes) {
    bytes += size + SEPARATOR_BYTES;
    if (count > 0 && (bytes > limit.bytes || count >= limit.records)) break;
    count += 1;
  }
  return count;
}

const candidateSchema = z.object({
  id: z.number().int(),
  size: z.number().int(),
  received_at_epoch_millis: z.number().int(),
  stored_at: z.number().int(),
  gap: z.instanceof(Uint8Array).nullable(),
});

const OWN_GAP = Buffer.from('{"type":"RelayGap"');
const ownGapSchema = z.object({ from: z.iso.datetime() });

/** Removes the oldest records beyond the limits, and keeps the gap record that says so. */
export class LimitKeeper {
  readonly #limits: SpoolLimits;
  readonly #newName: () => string;
  readonly #sizes: StatementSync;
  readonly #candidates: StatementSync;
  readonly #delete: StatementSync;
  readonly #replaceGap: StatementSync;

  constructor(database: DatabaseSync, limits: SpoolLimits, newName: () => string) {
    this.#limits = limits;
    this.#newName = newName;
    this.#sizes = database.prepare("SELECT id, length(body) AS size FROM records ORDER BY id LIMIT ?");
    this.#candidates = database.prepare(
      `SELECT id, length(body) AS size, received_at_epoch_millis, stored_at,
         CASE WHEN substr(body, 1, ${OWN_GAP.length}) = ? THEN body END AS gap
       FROM records WHERE id > ? ORDER BY id`,
    );
    this.#delete = database.prepare("DELETE FROM records WHERE id BETWEEN ? AND ?");
    this.#replaceGap = database.prepare("INSERT OR REPLACE INTO records VALUES (?, 0, ?, ?, ?)");
  }

  /**
   * Changes the records, and returns the changed state. Records that `read` may have handed out stay: the relay may have
   * them already, and a gap record would be wrong.
   */
  trim(state: SpoolState, nowEpochMillis: number): SpoolState {
    if (this.#limits.policy === "block") return state;
    const ends = this.#handedOut();
    const gapIsOpen = isGapOpen(state, ends.firstId);
    const after = gapIsOpen && state.gap_record !== null ? state.gap_record : ends.lastId;
    const expired = state.clock_millis - this.#limits.maxAgeMillis;
    let removed:
      | { first: number; last: number; count: number; bytes: number; from: number; to: number }
      | undefined;
    for (const row of this.#candidates.iterate(OWN_GAP, after)) {
      const { id, size, stored_at, received_at_epoch_millis: receivedAt, gap } = candidateSchema.parse(row);
      if (state.bytes - (removed?.bytes ?? 0) <= this.#limits.maxBytes && stored_at >= expired) break;
      const from = Math.min(receivedAt, gap === null ? receivedAt : (beginOfGap(gap) ?? receivedAt));
      removed = {
        first: removed?.first ?? id,
        last: id,
        count: (removed?.count ?? 0) + 1,
        bytes: (removed?.bytes ?? 0) + size + ROW_BYTES,
        from: Math.min(removed?.from ?? from, from),
        to: Math.max(removed?.to ?? receivedAt, receivedAt),
      };
    }
    if (removed === undefined) return state;
    this.#delete.run(removed.first, removed.last);
    const known = gapIsOpen ? state : undefined;
    const gap = {
      reason: "spool-full",
      gap: known?.gap_name ?? this.#newName(),
      fromEpochMillis: Math.min(known?.gap_from_epoch_millis ?? removed.from, removed.from),
      toEpochMillis: Math.max(known?.gap_to_epoch_millis ?? removed.to, removed.to),
      count: (known?.gap_count ?? 0) + removed.count,
    } as const;
    const { body } = gapRecord(gap, nowEpochMillis);
    const id = known?.gap_record ?? removed.first;
    const replaced = known === undefined ? 0 : this.#sizeOf(id);
    this.#replaceGap.run(id, nowEpochMillis, state.clock_millis, body);
    return {
      ...state,
      records: state.records - removed.count + (known === undefined ? 1 : 0),
      bytes: state.bytes - removed.bytes - replaced + storedBytes(body),
      dropped: state.dropped + removed.count,
      gap_record: id,
      gap_name: gap.gap,
      gap_from_epoch_millis: gap.fromEpochMillis,
      gap_to_epoch_millis: gap.toEpochMillis,
      gap_count: gap.count,
    };
  }

  #sizeOf(id: number): number {
    const row = candidateSchema.parse(this.#candidates.get(OWN_GAP, id - 1));
    return row.size + ROW_BYTES;
  }

  /** The ids of the first and the last record that `read` may have handed out, at most. */
  #handedOut(): { firstId: number; lastId: number } {
    const rows = this.#sizes.all(MAX_READ.records).map((row) => sizeSchema.parse(row));
    const count = countWithin(
      rows.map(({ size }) => size),
      MAX_READ,
    );
    return { firstId: rows[0]?.id ?? 0, lastId: rows[count - 1]?.id ?? 0 };
  }
}

const sizeSchema = candidateSchema.pick({ id: true, size: true });

/**
 * Whether the newest gap record may still grow: `read` does not go past a gap record, so it was handed out only if it is
 * the first record.
 */
export function isGapOpen({ gap_record }: Pick<SpoolState, "gap_record">, firstId: number): boolean {
  return gap_record !== null && gap_record > firstId;
}

/** When the gap began that a record of the bridge reports: it is lost too, with what it said. */
function beginOfGap(body: Uint8Array): number | undefined {
  try {
    return Date.parse(ownGapSchema.parse(JSON.parse(Buffer.from(body).toString())).from);
  } catch {
    return undefined;
  }
}
