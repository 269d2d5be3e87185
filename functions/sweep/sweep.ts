import { segmentOf } from "../../shared/queue/sequence.ts";
import { type FeedHead, readTail, type Tail } from "../../shared/queue/tail.ts";
import { type Cursor, evict } from "../../shared/sessions/cursor.ts";
import { wakeAgain, wakeParked } from "../../shared/sessions/wake.ts";
import { attempt } from "./attempt.ts";
import { auditReferences } from "./audit.ts";
import { freeSegments } from "./free.ts";
import { measureSessions } from "./measure.ts";
import type { SweepParts } from "./parts.ts";
import { needsWake, wasHintLost } from "./repair.ts";
import { retentionFloor } from "./retention.ts";
import { suspendBeyondTail } from "./rewound.ts";

/** What one sweep of one feed did. */
export interface FeedReport {
  readonly feed: string;
  readonly woken: number;
  /** Of those woken: whose own wake was lost. */
  readonly repaired: number;
  readonly evicted: number;
  readonly crossed: number;
  readonly freedSegments: number;
  readonly deletedPages: number;
  readonly countDifferences: number;
}

/** Most of a feed's sweep is waiting for answers, and the sweep of all feeds must end within its function's time. */
const FEEDS_AT_ONCE = 10;

/**
 * Visits every feed: writes its tail hint, repairs lost hints, moves lagging sessions forward, lets parked
 * sessions cross, audits the reference counts, and frees what nobody needs. One feed's failure leaves the others be.
 */
export async function sweep(parts: SweepParts): Promise<FeedReport[]> {
  const reports: FeedReport[] = [];
  const failures: unknown[] = [];
  // Shared by the workers: each takes the next feed that nobody has taken.
  const heads = (await parts.heads.listHeads()).values();
  const work = async () => {
    for (const head of heads) {
      try {
        reports.push(await sweepFeed(parts, head));
      } catch (error) {
        parts.log.error("the sweep of a feed failed; the next one tries again", { feed: head.feed, error });
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
  if (tail === undefined)
    return {
      feed,
      woken: 0,
      repaired: 0,
      evicted: 0,
      crossed: 0,
      freedSegments: 0,
      deletedPages: 0,
      countDifferences: 0,
    };
  if (tail.next - 1 > head.tailHint) await parts.heads.moveTailHint(feed, tail.next - 1);

  const cursors = await parts.cursors.listCursors(feed);
  const measures = await measureSessions(parts, tail, cursors);
  const evicted = await evictLagging(parts, tail, cursors);
  const crossed = await crossResting(parts, cursors);
  const { woken, repaired } = await repair(parts, tail, cursors, new Map([...crossed, ...evicted]));
  await suspendBeyondTail(parts, tail, cursors);
  const differences = await auditReferences(parts, feed);
  if (differences.length > 0)
    parts.log.error("reference counts do not match the cursors", { feed, differences });
  const { freedSegments, deletedPages } = await freeSegments(parts, head, tail);
  parts.metrics.record(feed, {
    ...measures,
    GapsRetention: evicted.size,
    RepairedWakes: repaired,
    FreedSegments: freedSegments,
    AuditDifferences: differences.length,
  });
  return {
    feed,
    woken,
    repaired,
    evicted: evicted.size,
    crossed: crossed.size,
    freedSegments,
    deletedPages,
    countDifferences: differences.length,
  };
}

/** Moves sessions that lag beyond the retention; returns their rows as they are then. */
async function evictLagging(
  parts: SweepParts,
  tail: Tail,
  cursors: readonly Cursor[],
): Promise<Map<string, Cursor>> {
  const evicted = new Map<string, Cursor>();
  const lowest = Math.min(...cursors.map(({ next }) => next), tail.next);
  if (lowest === tail.next) return evicted;
  const floor = await retentionFloor(parts, tail, lowest);
  for (const cursor of cursors.filter(({ next }) => next < floor)) {
    const { feed, session, next } = cursor;
    const moved = await attempt(parts, cursor, evict(cursor, floor, parts.clock.nowEpochMillis()));
    if (moved === undefined) continue;
    evicted.set(session, moved);
    parts.log.warn("a session lagged beyond the retention and was moved forward", {
      feed,
      session,
      from: next,
      to: floor,
    });
  }
  return evicted;
}

/** Sessions at rest cross here when a conflict kept deliver from it. The fence grows: others may hold what they read. */
async function crossResting(parts: SweepParts, cursors: readonly Cursor[]): Promise<Map<string, Cursor>> {
  const crossed = new Map<string, Cursor>();
  for (const cursor of cursors) {
    const segment = segmentOf(cursor.next, cursor.segmentSize);
    if (segment === cursor.segment || cursor.state === "active") continue;
    const moved = await attempt(parts, cursor, { segment, fence: cursor.fence + 1 });
    if (moved) crossed.set(cursor.session, moved);
  }
  return crossed;
}

/** @param moved rows that this sweep has changed, as they are since */
async function repair(
  parts: SweepParts,
  tail: Tail,
  cursors: readonly Cursor[],
  moved: ReadonlyMap<string, Cursor>,
): Promise<{ woken: number; repaired: number }> {
  const nowEpochMillis = parts.clock.nowEpochMillis();
  const toWake = cursors
    .map((cursor) => moved.get(cursor.session) ?? cursor)
    .filter(
      (cursor) =>
        // A deliver that was about to take the row as it was has failed, and its wake is used up.
        (moved.has(cursor.session) && (cursor.state === "parked" || cursor.state === "signalled")) ||
        needsWake(cursor, tail, nowEpochMillis, parts.settings.hintGraceMillis),
    );
  // Only a row with something to read is marked: its wake cannot be used up without a change of the fence.
  const [toMark, others] = partition(
    toWake,
    ({ state, next, gap }) => state === "parked" && (next < tail.next || gap !== undefined),
  );
  await wakeParked(parts, toMark);
  const [atTail, waiting] = partition(others, ({ state }) => state === "parked");
  await parts.wakes.sendWakes(atTail);
  await wakeAgain(parts, waiting);
  const lost = toWake.filter((cursor) => !moved.has(cursor.session) && wasHintLost(cursor));
  return { woken: toWake.length, repaired: lost.length };
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}
