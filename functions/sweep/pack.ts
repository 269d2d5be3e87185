import { isTakeable, needsTurn } from "../../shared/groups/group.ts";
import { groupWithRoom, joinListed, type ListedGroup, packedCursor } from "../../shared/groups/membership.ts";
import { wakeGroups } from "../../shared/groups/wakeGroups.ts";
import type { FeedHead, Tail } from "../../shared/queue/tail.ts";
import { type Cursor, release } from "../../shared/sessions/cursor.ts";
import { unlessChanged } from "../../shared/sessions/unlessChanged.ts";
import { isWokenByQueue } from "../../shared/sessions/wake.ts";
import type { SweepParts } from "./parts.ts";

/** Rows that one sweep packs of a feed. Each is a transaction, and the sweep of all feeds must end in time. */
const MOST_PACKED = 200;

/** Lost races after which a sweep leaves the rest of a feed to the next one. */
const MOST_LOST = 20;

/**
 * Packs the rows of single webhook sessions into groups with room, each in one transaction that deletes the row as it was read
 * (docs/decisions/0017-cursor-groups.md).
 * @returns how many rows were packed
 */
export async function packSingles(
  parts: SweepParts,
  tail: Tail,
  rows: readonly Cursor[],
  listed: readonly ListedGroup[],
): Promise<number> {
  if (!parts.settings.cursorGroups) return 0;
  let groups = new Map(listed.map((each) => [each.group.group, each]));
  const packed = new Map<string, Cursor[]>();
  let lost = 0;
  for (const read of rows.filter(isWokenByQueue).slice(0, MOST_PACKED)) {
    if (lost === MOST_LOST) break;
    const row = await takeFromTurn(parts, read);
    const joined = row && (await pack(parts, row, [...groups.values()]));
    if (row !== undefined && typeof joined !== "object" && read.state === "active")
      await parts.wakes.sendWakes([row]);
    if (joined === "unknown") continue;
    if (row === undefined || joined === undefined) {
      lost += 1;
      const now = await parts.groups.listGroups(read.feed);
      groups = new Map(now.groups.map((each) => [each.group.group, each]));
      continue;
    }
    const { group } = joined.group;
    groups.set(group, joined);
    packed.set(group, [...(packed.get(group) ?? []), row]);
  }
  for (const [group, its] of packed) {
    const joined = groups.get(group);
    if (joined !== undefined) await wakePacked(parts, tail, joined, its);
  }
  return [...packed.values()].flat().length;
}

/** Notes in the feed's head whether there are rows of single webhook sessions: where there are none, notify looks for none. */
export async function noteSingles(
  { heads, settings }: Pick<SweepParts, "heads" | "settings">,
  head: FeedHead,
  rows: readonly Cursor[],
): Promise<void> {
  const isAllGrouped = settings.cursorGroups && !rows.some(isWokenByQueue);
  if (isAllGrouped !== (head.isAllGrouped ?? false)) await heads.noteSingles(head, isAllGrouped);
}

/**
 * Takes a row from the turn that holds it, as a person's change does: on a busy feed it would hardly ever rest. The turn ends with
 * its next write, and the group sends the batch in flight again, under the same id. A row that is not packed after all is woken; if
 * the sweep dies before, the next one wakes it.
 * @returns the row as it is now; undefined when it has changed or is gone
 */
async function takeFromTurn({ cursors, clock }: SweepParts, row: Cursor): Promise<Cursor | undefined> {
  if (row.state !== "active") return row;
  const released = await unlessChanged(cursors.write(row, release(row, clock.nowEpochMillis())));
  // The turn may have advanced since the row was listed, and another one may have begun since it was released.
  const now = released && (await cursors.readCursor(row.feed, row.session));
  return now?.fence === released?.fence ? now : undefined;
}

/** "unknown": the session is no single webhook session. Undefined: somebody was faster. */
async function pack(
  parts: SweepParts,
  row: Cursor,
  listed: readonly ListedGroup[],
): Promise<ListedGroup | "unknown" | undefined> {
  const session = await parts.sessions.readSession(row.session);
  if (session?.kind !== "webhook" || session.group !== undefined) return "unknown";
  const joins = groupWithRoom(listed.map(({ group }) => group));
  const { joining, names } = joinListed(
    listed,
    { session: row.session, cursor: packedCursor(row, joins?.fence ?? 0), interest: row.interest },
    {
      feed: row.feed,
      segmentSize: row.segmentSize,
      newGroupId: parts.newGroupId(),
      nowEpochMillis: parts.clock.nowEpochMillis(),
    },
  );
  const group = await unlessChanged(
    parts.sessions.join(joining, session, { packed: row, interest: { names } }),
  );
  return group && { group, interest: names };
}

/**
 * A wake for a row that was packed finds none and is dropped, so the group gets one: at once, because a page may have been
 * appended since the tail was read, and when a failed session is due. A holder finds the new sessions by itself.
 */
async function wakePacked(
  parts: SweepParts,
  tail: Tail,
  { group }: ListedGroup,
  packed: readonly Cursor[],
): Promise<void> {
  const nowEpochMillis = parts.clock.nowEpochMillis();
  if (group.state === "parked" && needsTurn(group, tail.next - 1, nowEpochMillis))
    await wakeGroups({ ...parts, wakes: parts.groupWakes }, [group]);
  else if (isTakeable(group, nowEpochMillis)) await parts.groupWakes.sendWakes([group]);
  for (const { state, dueAtEpochMillis = 0 } of packed)
    if (state === "backoff" && dueAtEpochMillis > nowEpochMillis)
      await parts.groupWakes.sendWake(
        { feed: group.feed, group: group.group },
        dueAtEpochMillis - nowEpochMillis,
      );
}
