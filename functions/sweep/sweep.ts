import { cursorsOf } from "../../shared/groups/membership.ts";
import { firstNeededBy } from "../../shared/groups/unreadable.ts";
import { type FeedHead, readTail } from "../../shared/queue/tail.ts";
import { auditReferences } from "./audit.ts";
import { crossGroups, crossResting } from "./cross.ts";
import { evictLagging } from "./evict.ts";
import { freeSegments } from "./free.ts";
import { keepLastPage } from "./keepLast.ts";
import { measureSessions } from "./measure.ts";
import { noteSingles, packSingles } from "./pack.ts";
import type { SweepParts } from "./parts.ts";
import { repairGroupWakes, repairWakes } from "./repair.ts";
import { suspendBeyondTail } from "./suspend.ts";

/** The work that one sweep did for one feed. */
export interface FeedReport {
  readonly feed: string;
  /** Single sessions and groups. */
  readonly woken: number;
  /** Those among the woken ones whose own wake was lost. */
  readonly repaired: number;
  readonly evicted: number;
  readonly crossed: number;
  /** Rows of single sessions that became part of a group. */
  readonly packed: number;
  readonly freedSegments: number;
  readonly deletedPages: number;
  readonly countDifferences: number;
}

const NOTHING_DONE: Omit<FeedReport, "feed"> = {
  woken: 0,
  repaired: 0,
  evicted: 0,
  crossed: 0,
  packed: 0,
  freedSegments: 0,
  deletedPages: 0,
  countDifferences: 0,
};

/** A feed's sweep mostly waits for responses, and the sweep of all feeds must finish before the function times out. */
const FEEDS_AT_ONCE = 10;

/**
 * Visits every feed: writes its tail hint, evicts lagging sessions, lets resting sessions cross, repairs lost hints,
 * suspends sessions beyond the tail, packs single rows into groups, audits the reference counts, frees the segments that no
 * cursor needs, and keeps the last page of a quiet feed. A group that cannot be read is reported and left alone. A failure
 * in one feed does not affect the others.
 */
export async function sweep(parts: SweepParts): Promise<FeedReport[]> {
  const reports: FeedReport[] = [];
  const failures: unknown[] = [];
  // Shared by the workers: each takes the next feed.
  const heads = (await parts.heads.listHeads()).values();
  const work = async () => {
    for (const head of heads) {
      try {
        reports.push(await sweepFeed(parts, head));
      } catch (error) {
        parts.log.error("the sweep of a feed failed; the next sweep retries it", { feed: head.feed, error });
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: FEEDS_AT_ONCE }, work));
  if (failures.length > 0)
    throw new AggregateError(failures, `the sweep failed for ${failures.length} feeds`);
  return reports;
}

async function sweepFeed(parts: SweepParts, head: FeedHead): Promise<FeedReport> {
  const { feed } = head;
  const tail = await readTail(parts.tails, feed, () => parts.clock.nowEpochMillis());
  if (tail === undefined) return { feed, ...NOTHING_DONE };
  if (tail.next - 1 > head.tailHint) await parts.heads.moveTailHint(feed, tail.next - 1);

  const [cursors, { groups: listed, unreadable }] = await Promise.all([
    parts.cursors.listCursors(feed),
    parts.groups.listGroups(feed),
  ]);
  for (const each of unreadable)
    parts.log.error("a group cannot be read; its sessions get nothing until it is repaired", { ...each });
  const groups = listed.map(({ group }) => group);
  const sessions = [...cursors, ...groups.flatMap(cursorsOf)];
  const measures = await measureSessions(parts, tail, sessions, unreadable.length);
  const evicted = await evictLagging(parts, tail, cursors, groups);
  const crossed = await crossResting(parts, cursors);
  const crossedGroups = await crossGroups(parts, groups);
  const moved = new Map([...crossed, ...evicted.rows]);
  const movedGroups = new Map([...crossedGroups, ...evicted.groups]);
  const singles = await repairWakes(parts, tail, cursors, moved);
  const inGroups = await repairGroupWakes(parts, tail, listed, movedGroups);
  await suspendBeyondTail(parts, tail, cursors, groups);
  await noteSingles(parts, head, cursors);
  const packed = await packSingles(
    parts,
    tail,
    cursors.map((cursor) => moved.get(cursor.session) ?? cursor),
    listed.map(({ group, interest }) => ({ group: movedGroups.get(group.group) ?? group, interest })),
  );
  const differences = await auditReferences(parts, feed);
  if (differences.length > 0)
    parts.log.error("reference counts do not match the cursors", { feed, differences });
  const { freedSegments, deletedPages } = await freeSegments(parts, head, tail, firstNeededBy(unreadable));
  await keepLastPage(parts, tail);
  parts.metrics.record(feed, {
    ...measures,
    GapsRetention: evicted.sessions,
    RepairedWakes: singles.repaired + inGroups.repaired,
    FreedSegments: freedSegments,
    AuditDifferences: differences.length,
  });
  return {
    feed,
    woken: singles.woken + inGroups.woken,
    repaired: singles.repaired + inGroups.repaired,
    evicted: evicted.sessions,
    crossed: crossed.size + crossedGroups.size,
    packed,
    freedSegments,
    deletedPages,
    countDifferences: differences.length,
  };
}
