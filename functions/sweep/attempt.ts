import { FenceLostError, TransactionRefusedError } from "../../shared/errors.ts";
import type { Cursor, CursorChange } from "../../shared/sessions/cursor.ts";
import type { SweepParts } from "./parts.ts";

/** Undefined when the row has changed or a transaction was in the way: the next sweep sees it again. */
export async function attempt(
  { cursors }: Pick<SweepParts, "cursors">,
  cursor: Cursor,
  change: CursorChange,
): Promise<Cursor | undefined> {
  try {
    return await cursors.write(cursor, change);
  } catch (error) {
    if (error instanceof FenceLostError || error instanceof TransactionRefusedError) return undefined;
    throw error;
  }
}
