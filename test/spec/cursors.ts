import { segmentOf } from "../../shared/queue/sequence.ts";
import {
  type Cursor,
  type CursorChange,
  newCursor,
  type RowToFind,
  rowToFind,
} from "../../shared/sessions/cursor.ts";
import { isAsRead } from "../support/asRead.ts";
import type { Scenario } from "./scenario.ts";
import { type Row, type State, spend } from "./state.ts";

/**
 * Specifies shared/aws/cursors.ts. Every change of a cursor is one write, on condition that the row is as it was read. A
 * change of segment moves the reference count in the same transaction. The rules of the changes are the code's own
 * (shared/sessions/cursor.ts). The model calls them with its rows converted to cursors.
 */

/** So long ago that every hint's grace is over. The length of the grace affects only cost. */
const LONG_AGO = -1e12;
/** By more than the tolerance of due times, and by less than the longest lease: a lease beyond that has expired. */
const BEFORE_EVERY_TIME = -1_000;
const AFTER_EVERY_TIME = 1e6;

/** A lease ends at the time `lease`, and a backoff is due at time 0. `timeOf` returns a time before or after both. */
export function cursorOf(
  { kind, state, next, segment, fence, lease }: Row,
  { segmentSize }: Scenario,
): Cursor {
  return {
    ...newCursor({
      feed: "feed",
      session: "session",
      ...(kind === undefined ? {} : { kind }),
      next,
      segmentSize,
      interest: undefined,
      nowEpochMillis: LONG_AGO,
    }),
    state,
    segment,
    fence,
    leaseUntilEpochMillis: state === "active" ? lease : undefined,
    dueAtEpochMillis: state === "backoff" ? 0 : undefined,
  };
}

/** The current time for the rules that judge the row. */
export function timeOf({ leaseExpired, isDue }: Row): number {
  return leaseExpired || isDue ? AFTER_EVERY_TIME : BEFORE_EVERY_TIME;
}

/** The arguments of `take` and `advance`: the new lease ends one tick after the row's. */
export function nextLease({ lease }: Row) {
  return { batchLast: undefined, leaseMillis: 1, nowEpochMillis: lease };
}

function changed(row: Row, change: CursorChange): Row {
  const { state = row.state, next = row.next, segment = row.segment, fence = row.fence } = change;
  if (state === "suspended") throw new Error("the model suspends no session");
  const { leaseUntilEpochMillis: lease = row.lease } = change;
  const leaseExpired = row.leaseExpired && !("leaseUntilEpochMillis" in change);
  const isDue = row.isDue && !("dueAtEpochMillis" in change);
  const { kind } = row;
  return { ...(kind && { kind }), state, next, segment, fence, lease, leaseExpired, isDue };
}

/** Whether a write of `change` finds the row as it was read. */
export function mayWrite(
  row: Row | undefined,
  read: Row,
  change: CursorChange,
  scenario: Scenario,
): row is Row {
  if (row === undefined) return false;
  const wanted = rowToFind(cursorOf(read, scenario), change);
  return isAsRead(cursorOf(row, scenario), openedBy(scenario, wanted, change));
}

/** The condition without the parts that a wrong variant leaves out. */
function openedBy({ variant }: Scenario, wanted: RowToFind, change: CursorChange): RowToFind {
  const { fence, segment, leaseUntilEpochMillis, ...rest } = wanted;
  const opened: Partial<RowToFind> = {
    ...rest,
    ...(variant === "mark without fence" && change.state === "signalled" ? {} : { fence }),
    ...(variant === "write without naming the segment" ? {} : { segment }),
    ...(variant === "take over without naming the lease" || leaseUntilEpochMillis === undefined
      ? {}
      : { leaseUntilEpochMillis }),
  };
  return opened as RowToFind;
}

/** A possible result of a write. `row` is null if the write was refused. */
export interface Written {
  readonly row: Row | null;
  readonly state: State;
  readonly note: string;
}

/**
 * @param onConflict the reaction of a crossing to a refused transaction. "stay", for deliver: the cursor stays counted in the
 *   old segment and crosses at a later page. "give up", for the others: the row is left unchanged.
 */
export function* write(
  state: State,
  scenario: Scenario,
  sessionId: string,
  read: Row,
  change: CursorChange,
  onConflict: "stay" | "give up" = "give up",
): Generator<Written> {
  const row = state.cursors[sessionId];
  if (!mayWrite(row, read, change, scenario)) {
    yield { row: null, state, note: " but the row is not as it was read" };
    return;
  }
  const put = (written: CursorChange, others: Partial<State> = {}): State => ({
    ...state,
    cursors: { ...state.cursors, [sessionId]: changed(row, written) },
    ...(scenario.variant === "notify with stale reads"
      ? { staleCursors: { ...state.staleCursors, [sessionId]: row } }
      : {}),
    ...others,
  });
  const { segment = read.segment } = change;
  if (segment === read.segment) {
    yield { row: changed(read, change), state: put(change), note: "" };
    return;
  }
  const counts = move(state.counts, read.segment, segment);
  const note = `, crossing into segment ${segment}`;
  if (counts !== null) yield { row: changed(read, change), state: put(change, { counts }), note };
  if (scenario.variant === "count moved outside the transaction")
    yield { row: null, state: put(change), note: `${note}, and dies before it moves the count` };
  if (counts !== null && state.faults.conflict === 0) return;
  const faults = counts === null ? state.faults : spend(state.faults, "conflict");
  if (onConflict === "stay") {
    const stay = { ...change, segment: read.segment };
    yield {
      row: changed(read, stay),
      state: put(stay, { faults }),
      note: ", not crossing because of a conflict",
    };
  } else yield { row: null, state: { ...state, faults }, note: " but it conflicts with another transaction" };
}

/** Moves one reference. Returns null if the old segment has none, which refuses the transaction. */
export function move(counts: readonly number[], from: number | null, to: number | null): number[] | null {
  const moved = [...counts];
  if (from !== null) {
    if ((moved[from] ?? 0) < 1) return null;
    moved[from] = (moved[from] ?? 0) - 1;
  }
  if (to !== null) {
    while (moved.length <= to) moved.push(0);
    moved[to] = (moved[to] ?? 0) + 1;
  }
  return moved;
}

/** The part of a change that moves the cursor's reference. */
export function crossing(read: Row, next: number, { segmentSize }: Scenario): CursorChange {
  const segment = segmentOf(next, segmentSize);
  return segment === read.segment ? {} : { segment };
}
