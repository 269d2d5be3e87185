import { segmentOf } from "../../shared/queue/sequence.ts";
import type { Scenario } from "./scenario.ts";
import { type Cursor, type State, spend } from "./state.ts";

/**
 * Specifies shared/sessions/cursor.ts and shared/aws/cursors.ts: every change of a cursor is one conditional write that
 * names what was read of the row, and a change of segment moves the reference count in the same transaction.
 */

/** `gap` says that messages are left out; it is told from the number that was read. */
export type Change = Partial<Cursor> & { readonly gap?: true };

/** What `rowToFind` asks for. */
export function isAsRead(
  row: Cursor | undefined,
  read: Cursor,
  change: Change,
  { variant }: Scenario,
): row is Cursor {
  if (row === undefined) return false;
  const mayBeMarked = read.state === "parked" && change.state !== "signalled";
  const state = row.state === read.state || (mayBeMarked && row.state === "signalled");
  const fence =
    row.fence === read.fence || (variant === "mark without fence" && change.state === "signalled");
  // A slow holder may have advanced and crossed under the same fence since the row was read.
  const segment = row.segment === read.segment || variant === "write without naming the segment";
  const next = change.gap === undefined || row.next === read.next;
  const takesOver = read.state === "active" && change.state === "active" && change.fence !== undefined;
  const lease = !takesOver || row.lease === read.lease || variant === "take over without naming the lease";
  return state && fence && segment && next && lease;
}

/** What may come of a write. `row` is null when it was refused. */
export interface Written {
  readonly row: Cursor | null;
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
  read: Cursor,
  { gap, ...change }: Change,
  onConflict: "stay" | "give up" = "give up",
): Generator<Written> {
  const row = state.cursors[session];
  if (!isAsRead(row, read, gap ? { ...change, gap } : change, scenario)) {
    yield { row: null, state, note: " but the row is not as it was read" };
    return;
  }
  const put = (written: Partial<Cursor>, others: Partial<State> = {}): State => ({
    ...state,
    cursors: { ...state.cursors, [session]: { ...row, ...written } },
    ...(scenario.variant === "notify with stale reads"
      ? { staleCursors: { ...state.staleCursors, [session]: row } }
      : {}),
    ...others,
  });
  const { segment = read.segment } = change;
  if (segment === read.segment) {
    yield { row: { ...read, ...change }, state: put(change), note: "" };
    return;
  }
  const counts = move(state.counts, read.segment, segment);
  const note = `, crossing into segment ${segment}`;
  if (counts !== null) yield { row: { ...read, ...change }, state: put(change, { counts }), note };
  if (scenario.variant === "count moved outside the transaction")
    yield { row: null, state: put(change), note: `${note}, and dies before it moves the count` };
  if (counts !== null && state.faults.conflict === 0) return;
  const faults = counts === null ? state.faults : spend(state.faults, "conflict");
  if (onConflict === "stay") {
    const stay = { ...change, segment: read.segment };
    yield { row: { ...read, ...stay }, state: put(stay, { faults }), note: ", not crossing for a conflict" };
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
export function crossing(read: Cursor, next: number, segmentSize: number): Change {
  const segment = segmentOf(next, segmentSize);
  return segment === read.segment ? {} : { segment };
}

/** Takes the row from whoever holds it. What waits for a time or a person goes on waiting. */
export function release(read: Cursor): Change {
  const waits = read.state === "backoff" || read.state === "paused";
  return { fence: read.fence + 1, state: waits ? read.state : "parked", leaseRanOut: false };
}
