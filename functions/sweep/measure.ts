import { segmentOf } from "../../shared/queue/sequence.ts";
import type { Tail } from "../../shared/queue/tail.ts";
import { type Cursor, isHeld } from "../../shared/sessions/cursor.ts";
import { isWokenByQueue } from "../../shared/sessions/wake.ts";
import type { SweepParts } from "./parts.ts";

/** Metrics about the sessions of a feed. */
export interface SessionMeasures {
  readonly SlowestSessionLagMessages: number;
  readonly SlowestSessionLagSeconds: number;
  readonly SuspendedSessions: number;
}

/**
 * Measures the slowest running session. Paused and suspended sessions do not count: a paused session lags on purpose,
 * and suspended sessions have their own metric. Nor does an AMI user who is not logged in: nothing of the relay's is slow.
 * @param unreadableGroups each counts as one suspended session: its sessions get nothing, and nobody knows how many they are
 */
export async function measureSessions(
  { pages, clock }: Pick<SweepParts, "pages" | "clock">,
  tail: Tail,
  cursors: readonly Cursor[],
  unreadableGroups: number,
): Promise<SessionMeasures> {
  const running = cursors.filter(
    (cursor) =>
      cursor.state !== "paused" &&
      cursor.state !== "suspended" &&
      (isWokenByQueue(cursor) || isHeld(cursor, clock.nowEpochMillis())),
  );
  const slowest = Math.min(tail.next, ...running.map(({ next }) => next));
  const appendedAtEpochMillis =
    slowest < tail.next
      ? await pages.readAppendTime(tail.feed, segmentOf(slowest, tail.segmentSize), slowest)
      : undefined;
  return {
    SlowestSessionLagMessages: tail.next - slowest,
    SlowestSessionLagSeconds:
      appendedAtEpochMillis === undefined
        ? 0
        : Math.max(0, (clock.nowEpochMillis() - appendedAtEpochMillis) / 1000),
    SuspendedSessions: cursors.filter(({ state }) => state === "suspended").length + unreadableGroups,
  };
}
