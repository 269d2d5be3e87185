import type { Sequence } from "./sequence.ts";
/**
 * Producer positions: how a resent event is recognised.
 *
 * A producer numbers what it sends: 1, 2, 3 … without holes (a refused event keeps its number). Every page carries
 * where each recent producer stands after it, so whoever reads the tail knows that too, with no other table; and it
 * carries which positions became which sequence numbers, so that a resend is answered with its first numbers.
 */

/** Where one producer stands. */
export interface ProducerTrail {
  readonly id: string;
  /** The first position that was ever seen of it. */
  readonly start: number;
  /** The position that comes next. */
  readonly next: number;
  /** First sequence number of the last page that holds something of it. */
  readonly page: Sequence;
  readonly lastSeenEpochMillis: number;
}

/** Consecutive positions of one producer that became consecutive sequence numbers in one page. */
export interface AppendedRun {
  readonly producer: string;
  readonly position: number;
  readonly first: Sequence;
  readonly count: number;
  /** The producer's page before this one, 0 when there is none: the way back to older positions. */
  readonly earlierPage: Sequence;
}

/** Producers that name themselves are remembered for a day, the 32 last of a feed: each page pays for the list. */
export const REMEMBERED_PRODUCERS = 32;
const REMEMBERED_MILLIS = 24 * 3_600_000;

/** SQS messages without a producer are their own producers; a redelivery comes before later ones of its group. */
const REMEMBERED_SQS_MESSAGES = 12;
export const SQS_PRODUCER_PREFIX = "sqs:";

/** What follows from a producer's trail for a batch that begins at `position`. */
export type Standing =
  | { readonly kind: "continues"; readonly expected: number }
  /** Positions `expected` … `position - 1` never arrived. */
  | { readonly kind: "jumps"; readonly expected: number }
  /** Below everything that was ever seen of this producer. */
  | { readonly kind: "conflict"; readonly expected: number };

export function standing(trail: ProducerTrail | undefined, position: number): Standing {
  if (trail === undefined) return { kind: "continues", expected: position };
  if (position < trail.start) return { kind: "conflict", expected: trail.next };
  if (position > trail.next) return { kind: "jumps", expected: trail.next };
  return { kind: "continues", expected: trail.next };
}

/**
 * The trails after a page: newest first, old ones and too many dropped.
 * @param updated the page's own, at most `REMEMBERED_PRODUCERS`: all of them stay
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

/** The sequence number that a position became in this page; undefined when it is in another page or was refused. */
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
