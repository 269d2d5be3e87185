import type { ProducerTrail } from "./producers.ts";

/*
 * The memory of producers that the pages have dropped: too old, or pushed out by 32 others. A feed has one item for each
 * key whose producers were dropped. So a bridge that was cut off for weeks is recognised when it sends again.
 *
 * What makes it safe:
 * - A trail is archived *before* the page that drops it is put (`dropped`, `merged`). So at any time a producer's newest
 *   trail is on the last page, or in the archive, or in both.
 * - The archive is read *after* the tail that does not have the trail was read, with strong consistency. If a page up to
 *   that tail dropped the trail, the archive had it before. If a later page did, the put at the tail's number fails, and
 *   both are read again. An archive read before the tail could be older than a drop that the tail includes.
 * - Positions only grow, so of two trails the one with the greater `next` is the newer one. An archived trail whose
 *   producer is back on the pages is out of date and does no harm: the last page's trail comes first, and it is archived
 *   anew when it is dropped again. A put that loses its race, or a process that dies after archiving, leaves the same.
 * - Two writers that archive for the same key at once: the item has a version, the second one reads and merges again.
 */

/** How long a producer is remembered. The last page of a feed that has gone quiet is kept for longer. */
export const ARCHIVED_MILLIS = 30 * 24 * 3_600_000;

/** A key's producers in one feed beyond this number are forgotten, oldest first. It bounds what a key can store. */
export const ARCHIVED_PER_KEY = 64;

/** The archived trails of one key in one feed: one item. */
export interface ProducerArchive {
  readonly key: string;
  readonly trails: readonly ProducerTrail[];
  /** Grows with each write; the item is written on condition of the one that was read. */
  readonly version: number;
}

/** The trails of producers with a key that are in `before` and not in `after`, by key. */
export function dropped(
  before: readonly ProducerTrail[],
  after: readonly ProducerTrail[],
): ReadonlyMap<string, ProducerTrail[]> {
  const kept = new Set(after.map(({ id }) => id));
  const byKey = new Map<string, ProducerTrail[]>();
  for (const trail of before) {
    if (trail.key === undefined || kept.has(trail.id)) continue;
    byKey.set(trail.key, [...(byKey.get(trail.key) ?? []), trail]);
  }
  return byKey;
}

/** The archive with the trails; undefined when it has them all already, so that nothing need be written. */
export function merged(
  archive: ProducerArchive,
  trails: readonly ProducerTrail[],
  nowEpochMillis: number,
): ProducerArchive | undefined {
  const before = archive.trails.filter((trail) => isRemembered(trail, nowEpochMillis));
  const newer = trails.filter((trail) => {
    const archived = before.find(({ id }) => id === trail.id);
    return archived === undefined || isNewer(trail, archived);
  });
  if (newer.length === 0) return undefined;
  const replaced = new Set(newer.map(({ id }) => id));
  return {
    ...archive,
    version: archive.version + 1,
    trails: [...newer, ...before.filter(({ id }) => !replaced.has(id))]
      .sort((a, b) => b.lastSeenEpochMillis - a.lastSeenEpochMillis)
      .slice(0, ARCHIVED_PER_KEY),
  };
}

/** The newest archived trail of each producer that is still remembered. */
export function remembered(
  archives: readonly ProducerArchive[],
  nowEpochMillis: number,
): ReadonlyMap<string, ProducerTrail> {
  const found = new Map<string, ProducerTrail>();
  for (const trail of archives.flatMap(({ trails }) => trails)) {
    if (!isRemembered(trail, nowEpochMillis)) continue;
    const other = found.get(trail.id);
    if (other === undefined || isNewer(trail, other)) found.set(trail.id, trail);
  }
  return found;
}

/** A trail that was seen again without a new event has the same `next`. */
function isNewer(one: ProducerTrail, other: ProducerTrail): boolean {
  return (
    one.next > other.next || (one.next === other.next && one.lastSeenEpochMillis > other.lastSeenEpochMillis)
  );
}

function isRemembered({ lastSeenEpochMillis }: ProducerTrail, nowEpochMillis: number): boolean {
  return nowEpochMillis - lastSeenEpochMillis <= ARCHIVED_MILLIS;
}
