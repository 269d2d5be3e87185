import { type CursorGroup, type GroupChange, isTakeable, referenceOf } from "../../../shared/groups/group.ts";
import { NOW, type State, spend } from "./state.ts";
import type { GroupScenario } from "./variants.ts";

/** A possible result of a write. */
export interface Written {
  readonly isWritten: boolean;
  /** The row as written; as found when the write was refused or its response was lost. */
  readonly row: CursorGroup | null;
  readonly state: State;
  readonly note: string;
}

type Writer = "turn" | "take" | "mark" | "person" | "sweep";

/**
 * A conditional write of the group's row. A refused write returns the row as it is. A change of the segment moves the
 * reference count in the same transaction. If it conflicts, a turn stays counted in the old segment, which only keeps data
 * longer; the others give up.
 */
export function* write(
  state: State,
  scenario: GroupScenario,
  writer: Writer,
  read: CursorGroup,
  change: GroupChange,
): Generator<Written> {
  const row = state.group;
  if (row === null || !isFound(row, read, writer, scenario)) {
    yield { isWritten: false, row, state, note: " but finds another version" };
    return;
  }
  const version = writer === "mark" ? row.version : row.version + 1;
  const written = { ...row, ...change, ...referenceChosen(row, change, scenario), version };
  const isCrossing = written.segment !== row.segment;
  const counts = isCrossing ? move(state.counts, row.segment, written.segment) : state.counts;
  const note = isCrossing ? `, crossing into segment ${written.segment}` : "";
  const after: State = { ...state, group: written, counts };
  yield { isWritten: true, row: written, state: after, note };
  if (state.faults.lostAnswer > 0 && (writer === "turn" || writer === "take"))
    yield {
      isWritten: false,
      row: written,
      state: spend(after, "lostAnswer"),
      note: `${note}; the answer is lost`,
    };
  if (!isCrossing || state.faults.conflict === 0) return;
  if (writer === "turn" && written.segment > row.segment) {
    const stays = { ...written, segment: row.segment };
    yield {
      isWritten: true,
      row: stays,
      state: spend({ ...state, group: stays }, "conflict"),
      note: ", not crossing because of a conflict",
    };
  } else
    yield {
      isWritten: false,
      row,
      state: spend(state, "conflict"),
      note: " but it conflicts with another transaction",
    };
}

function isFound(row: CursorGroup, read: CursorGroup, writer: Writer, { variant }: GroupScenario): boolean {
  const isAsRead = row.version === read.version;
  if (writer === "turn" && variant === "progress written without the version")
    return row.holder === read.holder && row.state === "active";
  if (writer === "take" && variant === "take without the version") return isTakeable(row, NOW);
  if (writer === "person" && variant === "a person's change written without the version") return true;
  if (writer === "mark")
    return row.state === "parked" && (isAsRead || variant === "mark without the version");
  return isAsRead;
}

function referenceChosen(row: CursorGroup, change: GroupChange, { variant }: GroupScenario): GroupChange {
  if (variant !== "the reference is the fastest cursor's" || change.cursors === undefined) return {};
  const each = Object.entries(change.cursors).map(([session, cursor]) =>
    referenceOf({ ...row, cursors: { [session]: cursor } }),
  );
  return { segment: Math.max(...each) };
}

/** Moves one reference; null stands for no segment. */
export function move(counts: readonly number[], from: number | null, to: number | null): number[] {
  const moved = [...counts];
  if (from !== null) moved[from] = (moved[from] ?? 0) - 1;
  if (to !== null) {
    while (moved.length <= to) moved.push(0);
    moved[to] = (moved[to] ?? 0) + 1;
  }
  return moved;
}
