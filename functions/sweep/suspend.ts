import { type CursorGroup, changeCursors } from "../../shared/groups/group.ts";
import { type GroupCursor, revise, suspend as suspendInGroup } from "../../shared/groups/groupCursor.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import { readTail, type Tail } from "../../shared/queue/tail.ts";
import { type Cursor, type DeliveryFailure, suspend } from "../../shared/sessions/cursor.ts";
import { unlessChanged } from "../../shared/sessions/unlessChanged.ts";
import { changeGroup } from "./changeGroup.ts";
import type { SweepParts } from "./parts.ts";

/**
 * Suspends sessions that stand beyond the tail. A cursor gets there only when the Queue table was restored to an
 * earlier time than the Cursors table. Such a session would wait silently while the numbers up to its own are assigned
 * again, and miss those messages. So it stops until a person sets its position (docs/operating.md).
 */
export async function suspendBeyondTail(
  parts: SweepParts,
  tail: Tail,
  cursors: readonly Cursor[],
  groups: readonly CursorGroup[],
): Promise<void> {
  const suspects = cursors.filter(({ next, state }) => next > tail.next && state !== "suspended");
  const groupsWithSuspects = groups.filter((group) => standingBeyond(group, tail.next).length > 0);
  if (suspects.length + groupsWithSuspects.length === 0) return;
  // Rows are read after the tail, so a session that has just passed a new page looks the same. Read the tail again.
  const now = await readTail(parts.tails, tail.feed, () => parts.clock.nowEpochMillis());
  const tailNext = now?.next ?? 0;
  for (const cursor of suspects.filter(({ next }) => next > tailNext)) {
    const { session, next } = cursor;
    if (await unlessChanged(parts.cursors.write(cursor, suspend(cursor, failureAt(next)))))
      noteSuspended(session, next);
  }
  for (const group of groupsWithSuspects) {
    let beyond: Beyond[] = [];
    const moved = await changeGroup(parts, group, (row) => {
      beyond = standingBeyond(row, tailNext);
      if (beyond.length === 0) return undefined;
      const nowEpochMillis = parts.clock.nowEpochMillis();
      return changeCursors(
        row,
        Object.fromEntries(
          beyond.map(([session, cursor]) => [session, suspendInGroup(revise(cursor), nowEpochMillis)]),
        ),
      );
    });
    if (moved === undefined) continue;
    for (const [session, { next }] of beyond) {
      await parts.groups.writeError(tail.feed, session, failureAt(next));
      noteSuspended(session, next);
    }
  }

  function failureAt(next: Sequence): DeliveryFailure {
    const detail = `the session stands at ${next}, but the feed ends at ${tailNext - 1}`;
    return { reason: "queue.rewound", detail, atEpochMillis: parts.clock.nowEpochMillis() };
  }

  function noteSuspended(session: string, next: Sequence): void {
    const facts = { feed: tail.feed, session, next, tail: tailNext - 1 };
    parts.log.error("the queue ends before the session's position; the session is suspended", facts);
  }
}

type Beyond = [session: string, cursor: GroupCursor];

function standingBeyond({ cursors }: CursorGroup, tailNext: Sequence): Beyond[] {
  return Object.entries(cursors).filter(
    ([, { next, stopped }]) => next > tailNext && stopped !== "suspended",
  );
}
