import { readTail, type Tail } from "../../shared/queue/tail.ts";
import { type Cursor, suspend } from "../../shared/sessions/cursor.ts";
import { unlessChanged } from "../../shared/sessions/unlessChanged.ts";
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
): Promise<void> {
  const suspects = cursors.filter(({ next, state }) => next > tail.next && state !== "suspended");
  if (suspects.length === 0) return;
  // Rows are read after the tail, so a session that has just passed a new page looks the same. Read the tail again.
  const now = await readTail(parts.tails, tail.feed, () => parts.clock.nowEpochMillis());
  for (const cursor of suspects.filter(({ next }) => next > (now?.next ?? 0))) {
    const { feed, session, next } = cursor;
    const facts = { feed, session, next, tail: (now?.next ?? 0) - 1 };
    const detail = `the session stands at ${next}, but the feed ends at ${facts.tail}`;
    const failure = { reason: "queue.rewound", detail, atEpochMillis: parts.clock.nowEpochMillis() };
    if (await unlessChanged(parts.cursors.write(cursor, suspend(cursor, failure))))
      parts.log.error("the queue ends before the session's position; the session is suspended", facts);
  }
}
