import type { CursorGroup } from "./group.ts";
import type { GroupCursor } from "./groupCursor.ts";

/**
 * What a holder goes on with after its write found another version. The row wins, with the fields that the holder has
 * changed since `base`. The progress of a cursor of another generation is dropped.
 * @param base the row that the holder knew
 * @param mine the same with the holder's unwritten progress
 * @param row the row as found
 */
export function mergeRefused(base: CursorGroup, mine: CursorGroup, row: CursorGroup): CursorGroup {
  return {
    ...row,
    cursors: Object.fromEntries(
      Object.entries(row.cursors).map(([session, cursor]) => {
        const [known, own] = [base.cursors[session], mine.cursors[session]];
        return [session, known && own ? mergeCursor(known, own, cursor) : cursor];
      }),
    ),
  };
}

function mergeCursor(known: GroupCursor, own: GroupCursor, row: GroupCursor): GroupCursor {
  if (own.generation !== row.generation) return row;
  const merged = { ...row, ...changedFields(known, own) };
  // A person has said since whether the session runs. If its endpoint still fails, it is suspended again.
  return known.revision === row.revision ? merged : { ...merged, stopped: row.stopped };
}

function changedFields(before: GroupCursor, after: GroupCursor): Partial<GroupCursor> {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)] as (keyof GroupCursor)[]);
  return Object.fromEntries(
    [...fields].filter((field) => before[field] !== after[field]).map((field) => [field, after[field]]),
  );
}
