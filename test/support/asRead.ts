import type { Cursor, RowToFind } from "../../shared/sessions/cursor.ts";

/** Whether a row meets a write's condition, as in shared/aws/cursors.ts. */
export function isAsRead(row: Cursor, { states, ...numbers }: RowToFind): boolean {
  return (
    states.includes(row.state) &&
    Object.entries(numbers).every(([attribute, value]) => row[attribute as keyof typeof numbers] === value)
  );
}
