import type { GroupWritten } from "../../shared/aws/cursorGroups.ts";
import type { CursorGroup, GroupChange } from "../../shared/groups/group.ts";
import { unlessChanged } from "../../shared/sessions/unlessChanged.ts";
import type { SweepParts } from "./parts.ts";

/** Writes of one group. Its holder may write with every page, so that some of them are overtaken. */
const MOST_WRITES = 5;

/**
 * Changes a group as it is now, and returns its new row. Undefined when there is nothing to change any more, or others were
 * faster each time: the next sweep tries again.
 * @param changeOf undefined for a row that needs no change
 */
export async function changeGroup(
  { groups }: Pick<SweepParts, "groups">,
  read: CursorGroup,
  changeOf: (row: CursorGroup) => GroupChange | undefined,
): Promise<CursorGroup | undefined> {
  let row: CursorGroup | undefined = read;
  for (let attempt = 1; row !== undefined && attempt <= MOST_WRITES; attempt += 1) {
    const change = changeOf(row);
    if (change === undefined) return undefined;
    const written: GroupWritten | undefined = await unlessChanged(groups.write(row, change));
    if (written?.isWritten) return written.row;
    // Without an answer another transaction conflicted, and the row may still be the same.
    if (written !== undefined) row = written.row;
  }
  return undefined;
}
