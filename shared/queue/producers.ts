import type { Sequence } from "./sequence.ts";

/**
 * Producer positions, by which a resent event is recognised.
 *
 * A producer numbers its events: 1, 2, 3 … without holes (a refused event keeps its number). Every page stores the
 * positions of all recent producers after it, so a read of the tail returns them too, without another table. It also
 * stores which positions became which sequence numbers, so a resend is answered with its original numbers.
 */

/** Positions from the first to the last one. */
export type PositionRange = readonly [first: number, last: number];

/** The positions of one producer up to a page. */
export interface ProducerTrail {
  readonly id: string;
  /** The first position of which it is known whether it was appended. */
  readonly start: number;
  /** The next position. */
  readonly next: number;
  /** Positions that were skipped and reported as gaps, ascending. Absent in pages that were written before gaps were kept. */
  readonly gaps?: readonly PositionRange[];
  /** First sequence number of the last page that holds an event of this producer. */
  readonly page: Sequence;
  readonly lastSeenEpochMillis: number;
  /** The key under which the producer first sent. Such a trail is archived when the pages drop it (`producerArchive.ts`). */
  readonly key?: string | undefined;
}

/** Consecutive positions of one producer that became consecutive sequence numbers of one page. */
export interface AppendedRun {
  readonly producer: string;
  readonly position: number;
  readonly first: Sequence;
  readonly count: number;
  /** The producer's page before this one, or 0. It leads back to older positions. */
  readonly earlierPage: Sequence;
}

/**
 * Each page pays for the list, so the pages remember only the last 32 named producers, each for a day. The trails of
 * producers with a key are archived before a page drops them.
 */
export const REMEMBERED_PRODUCERS = 32;
const REMEMBERED_MILLIS = 24 * 3_600_000;

/** An SQS message without a producer is its own producer. SQS redelivers it before later messages of its group. */
const REMEMBERED_SQS_MESSAGES = 12;
export const SQS_PRODUCER_PREFIX = "sqs:";

/** How a submission that begins at `position` relates to its producer's trail. */
export type Standing =
  | { readonly kind: "continues"; readonly expected: number }
  /** Positions `expected` … `position - 1` never arrived. */
  | { readonly kind: "jumps"; readonly expected: number }
  /** `position` is below the expected one and was never appended, as far as is known. */
  | { readonly kind: "conflict"; readonly expected: number; readonly position: number };

/** @param positions the positions of the whole batch */
export function standing(trail: ProducerTrail | undefined, [first, last]: PositionRange): Standing {
  if (trail === undefined) return { kind: "continues", expected: first };
  const expected = trail.next;
  if (first < firstKnown(trail)) return { kind: "conflict", expected, position: first };
  if (first > expected) return { kind: "jumps", expected };
  const gap = trail.gaps?.find(([from, to]) => from <= last && to >= first);
  if (gap !== undefined) return { kind: "conflict", expected, position: Math.max(first, gap[0]) };
  return { kind: "continues", expected };
}

/**
 * The first position of which it is known whether it was appended. A trail without a list of gaps may have had some. No
 * position below its end is taken for appended, because its event may have been lost: the producer is told of a conflict,
 * also when it resends what was in flight during the update. An SQS message has no gaps: it is redelivered as it was.
 */
export function firstKnown({ id, start, next, gaps }: ProducerTrail): number {
  return gaps === undefined && !id.startsWith(SQS_PRODUCER_PREFIX) ? next : start;
}

/** The most gaps remembered per producer: each page stores them. */
const REMEMBERED_GAPS = 8;

/**
 * Adds a gap to a trail. When the oldest gap is forgotten, the trail starts after it, because positions in a forgotten
 * gap could not be told from appended ones.
 */
export function withGap(
  { start, gaps = [] }: Pick<ProducerTrail, "start" | "gaps">,
  gap: PositionRange,
): Required<Pick<ProducerTrail, "start" | "gaps">> {
  const all = [...gaps, gap];
  const forgotten = all.slice(0, -REMEMBERED_GAPS).at(-1);
  return {
    start: forgotten === undefined ? start : Math.max(start, forgotten[1] + 1),
    gaps: all.slice(-REMEMBERED_GAPS),
  };
}

/**
 * The trails after a page, newest first. Old and surplus trails are dropped.
 * @param updated the trails of the page's own producers, at most `REMEMBERED_PRODUCERS`; all of them are kept
 */
export function remember(
  trails: readonly ProducerTrail[],
  updated: readonly ProducerTrail[],
  nowEpochMillis: number,
): ProducerTrail[] {
  const fresh = new Set(updated.map(({ id }) => id));
  const all = [...updated, ...trails.filter(({ id }) => !fresh.has(id))].filter(
    ({ lastSeenEpochMillis }) => nowEpochMillis - lastSeenEpochMillis <= REMEMBERED_MILLIS,
  );
  const isMessage = ({ id }: ProducerTrail) => id.startsWith(SQS_PRODUCER_PREFIX);
  const named = all.filter((trail) => !isMessage(trail)).slice(0, REMEMBERED_PRODUCERS);
  const messages = all
    .filter(isMessage)
    .slice(0, Math.max(REMEMBERED_SQS_MESSAGES, updated.filter(isMessage).length));
  return [...messages, ...named].sort((a, b) => b.lastSeenEpochMillis - a.lastSeenEpochMillis);
}

/** The sequence number of a position in this page; undefined when the event is in another page or was refused. */
export function sequenceIn(
  runs: readonly AppendedRun[],
  producer: string,
  position: number,
): Sequence | undefined {
  const run = runs.find(
    (each) =>
      each.producer === producer && position >= each.position && position < each.position + each.count,
  );
  return run ? run.first + (position - run.position) : undefined;
}
