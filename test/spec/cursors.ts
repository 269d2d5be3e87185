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
 * Specifies shared/aws/cursors.ts: every change of a cursor is one conditional write that names what was read of the
 * row, and a change of segment moves the reference count in the same transaction. The rules of the changes are the
 * code's own (shared/sessions/cursor.ts): the model asks them with its rows as cursors.
 */

/** So long ago that every hint's grace is over: how long the sweep waits for one is about cost. */
const LONG_AGO = -1e12;
const BEFORE_EVERY_TIME = -1e6;
const AFTER_EVERY_TIME = 1e6;

/** A lease ends at its own number, and a backoff is due at 0; on which side of that the time is, `timeOf` says. */
export function cursorOf({ state, next, segment, fence, lease }: Row, { segmentSize }: Scenario): Cursor {
  return {
    ...newCursor({
      feed: "feed",
      session: "session",
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

/** The time by which the row is judged. */
export function timeOf({ leaseExpired, isDue }: Row): number {
  return leaseExpired || isDue ? AFTER_EVERY_TIME : BEFORE_EVERY_TIME;
}

/** What `take` and `advance` are told: the new lease ends one later than the row's. */
export function nextLease({ lease }: Row) {
  return { batchLast: undefined, leaseMillis: 1, nowEpochMillis: lease };
}

function changed(row: Row, change: CursorChange): Row {
  const { state = row.state, next = row.next, segment = row.segment, fence = row.fence } = change;
  if (state === "suspended") throw new Error("the model suspends no session");
  const { leaseUntilEpochMillis: lease = row.lease } = change;
  const leaseExpired = row.leaseExpired && !("leaseUntilEpochMillis" in change);
  const isDue = row.isDue && !("dueAtEpochMillis" in change);
  return { state, next, segment, fence, lease, leaseExpired, isDue };
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

/** What a wrong variant leaves out of the condition. */
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

/** What may come of a write. `row` is null when it was refused. */
export interface Written {
  readonly row: Row | null;
  readonly state: State;
  readonly note: string;
}

/**
 * @param onConflict what a crossing does when its transaction is refused: deliver stays counted in the old segment and
 *   crosses at a later page; the others leave the row as it is
 */
export function* write(
  state: State,
  scenario: Scenario,
  session: string,
  read: Row,
  change: CursorChange,
  onConflict: "stay" | "give up" = "give up",
): Generator<Written> {
  const row = state.cursors[session];
  if (!mayWrite(row, read, change, scenario)) {
    yield { row: null, state, note: " but the row is not as it was read" };
    return;
  }
  const put = (written: CursorChange, others: Partial<State> = {}): State => ({
    ...state,
    cursors: { ...state.cursors, [session]: changed(row, written) },
    ...(scenario.variant === "notify with stale reads"
      ? { staleCursors: { ...state.staleCursors, [session]: row } }
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
    yield { row: changed(read, stay), state: put(stay, { faults }), note: ", not crossing for a conflict" };
  } else yield { row: null, state: { ...state, faults }, note: " but another transaction is in the way" };
}

/** Moves one reference; null when there is none to give back, which refuses the transaction. */
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

/** The part of a change by which the reference follows the cursor. */
export function crossing(read: Row, next: number, { segmentSize }: Scenario): CursorChange {
  const segment = segmentOf(next, segmentSize);
  return segment === read.segment ? {} : { segment };
}
