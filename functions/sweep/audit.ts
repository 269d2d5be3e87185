import type { Segment } from "../../shared/queue/sequence.ts";
import type { Cursor } from "../../shared/sessions/cursor.ts";
import type { SweepParts } from "./parts.ts";

export interface CountDifference {
  readonly segment: Segment;
  readonly counted: number;
  readonly cursors: number;
}

/** Cursors and counts are not read at the same moment. A real difference shows up in each of these reads. */
const READS = 3;

/** Recomputes the reference counts of a feed from its cursors and groups, and returns the differences that persist. */
export async function auditReferences(
  { cursors, groups, references }: Pick<SweepParts, "cursors" | "groups" | "references">,
  feed: string,
): Promise<CountDifference[]> {
  let persistent: CountDifference[] | undefined;
  for (let read = 0; read < READS; read += 1) {
    const [rows, listed, counts] = await Promise.all([
      cursors.listCursors(feed),
      groups.listGroups(feed),
      references.counts(feed),
    ]);
    // Where a row does not say where it is counted, its count has no owner, and that is a difference.
    const unreadable = listed.unreadable.flatMap(({ reference }) => reference ?? []);
    const found = differences([...rows, ...listed.groups.map(({ group }) => group), ...unreadable], counts);
    persistent =
      persistent === undefined ? found : persistent.filter((old) => found.some((now) => isSame(old, now)));
    if (persistent.length === 0) return [];
  }
  return persistent ?? [];
}

function differences(
  cursors: readonly Pick<Cursor, "segment">[],
  counts: ReadonlyMap<number, number>,
): CountDifference[] {
  const standing = new Map<number, number>();
  for (const { segment } of cursors) standing.set(segment, (standing.get(segment) ?? 0) + 1);
  return [...new Set([...standing.keys(), ...counts.keys()])]
    .sort((a, b) => a - b)
    .map((segment) => ({ segment, counted: counts.get(segment) ?? 0, cursors: standing.get(segment) ?? 0 }))
    .filter(({ counted, cursors: stand }) => counted !== stand);
}

function isSame(a: CountDifference, b: CountDifference): boolean {
  return a.segment === b.segment && a.counted === b.counted && a.cursors === b.cursors;
}
