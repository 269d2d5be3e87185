import type { Cursor, RowToFind } from "../../shared/sessions/cursor.ts";

/** Whether a row is as a write must find it: what the condition in shared/aws/cursors.ts says. */
export function isAsRead(row: Cursor, { states, ...numbers }: RowToFind): boolean {
  return (
    states.includes(row.state) &&
    Object.entries(numbers).every(([attribute, value]) => row[attribute as keyof typeof numbers] === value)
  );
}
