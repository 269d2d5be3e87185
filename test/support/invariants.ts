import { segmentOf } from "../../shared/queue/sequence.ts";
import { firstHeld } from "../../shared/queue/tail.ts";
import { readSettings } from "../../shared/runtime/settings.ts";
import { deliveryViolations } from "./deliveryInvariants.ts";
import { handedOverViolations } from "./handedOverInvariants.ts";
import type { FeedRows, Witnessed } from "./witnessed.ts";

/**
 * The relay's promise: the invariants of one feed when no work is left, whatever happened before. They judge every run:
 * schedules, hostile runs, torture, pipeline tests.
 * @returns the violations in words; empty if every invariant holds
 */
export function violations(rows: FeedRows, witnessed: Witnessed): string[] {
  return [
    ...acceptedViolations(rows, witnessed),
    ...pageViolations(rows),
    ...countViolations(rows),
    ...groundViolations(rows),
    ...moveViolations(witnessed),
    ...handedOverViolations(rows, witnessed),
    ...witnessed.sessions.flatMap((session) => deliveryViolations(session, rows, witnessed)),
  ];
}

/** Every accepted event is in the queue exactly once. Freed messages are known from their deliveries. */
function acceptedViolations({ head, pages }: FeedRows, { accepted, deliveries }: Witnessed): string[] {
  const found: string[] = [];
  const eventAt = new Map<number, string>();
  const numberOf = new Map<string, number>();
  const seen = [
    ...pages.flatMap(({ first, events }) =>
      events.map((event, index) => ({ sequence: first + index, event })),
    ),
    ...deliveries.filter(({ gap }) => gap === undefined).flatMap(({ messages }) => messages),
  ];
  for (const { sequence, event } of seen) {
    const other = eventAt.get(sequence);
    if (other !== undefined && other !== event)
      found.push(`number ${sequence} was assigned twice: ${other} and ${event}`);
    eventAt.set(sequence, event);
    const before = numberOf.get(event) ?? sequence;
    if (before !== sequence) found.push(`${event} is in the queue twice: as ${before} and ${sequence}`);
    numberOf.set(event, before);
  }
  for (const { event, sequence, atLeast = sequence, atMost = sequence } of accepted) {
    const stored = numberOf.get(event);
    // An event that was freed undelivered is known by its number alone: a person may have moved the session past it.
    const canBeFreed = atLeast !== undefined && atLeast < firstHeld(head);
    if (stored === undefined && !canBeFreed) found.push(`${event} was accepted but is not in the queue`);
    const isWithin = stored === undefined || (stored >= (atLeast ?? stored) && stored <= (atMost ?? stored));
    if (!isWithin)
      found.push(`${event} was accepted as ${sequence ?? `${atLeast} to ${atMost}`} but is ${stored}`);
  }
  return [...new Set(found)];
}

/** What a freed page may be kept for, where it is left to expire. Without the setting, every page is kept longer. */
const LONGEST_LEFT_MILLIS = readSettings({ RELAY_FREEING: "expire" }).pageTtlMillis + 1_000;

/** No page is missing at or above the head, and none is left below it that does not expire soon. */
function pageViolations({ head, pages }: FeedRows): string[] {
  const found: string[] = [];
  let next = firstHeld(head);
  for (const { first, segment, events, keptMillis = Number.POSITIVE_INFINITY } of pages) {
    if (segment < head.headSegment) {
      if (keptMillis > LONGEST_LEFT_MILLIS) found.push(`page ${first} is left below the head`);
    } else {
      if (first > next) found.push(`the pages of ${next} to ${first - 1} are missing`);
      if (first < next) found.push(`page ${first} holds numbers of the page before it`);
      next = first + events.length;
    }
  }
  return found;
}

/** The reference counts equal the cursors, where a group is one. */
function countViolations({ cursors, counted = cursors, counts }: FeedRows): string[] {
  const standing = new Map<number, number>();
  for (const { segment } of counted) standing.set(segment, (standing.get(segment) ?? 0) + 1);
  return [...new Set([...standing.keys(), ...counts.keys()])]
    .filter((segment) => (standing.get(segment) ?? 0) !== (counts.get(segment) ?? 0))
    .map(
      (segment) =>
        `segment ${segment} counts ${counts.get(segment) ?? 0} references of ${standing.get(segment) ?? 0} cursors`,
    );
}

/** Every cursor stands in a held segment, and is counted in its own segment or an earlier one. */
function groundViolations({ head, pages, cursors }: FeedRows): string[] {
  const lastPage = pages.at(-1);
  const tailNext = Math.max(lastPage ? lastPage.first + lastPage.events.length : 1, firstHeld(head));
  return cursors.flatMap(({ session, next, segment }) => [
    ...(segment < head.headSegment ? [`${session} is counted in segment ${segment}, which is freed`] : []),
    ...(segment > segmentOf(next, head.segmentSize)
      ? [`${session} stands at ${next} but is counted beyond it, in segment ${segment}`]
      : []),
    ...(next > tailNext ? [`${session} stands at ${next}, beyond the tail ${tailNext - 1}`] : []),
  ]);
}

/** No cursor moves back within a generation. A person's seek begins a new one. */
function moveViolations({ moves = [] }: Witnessed): string[] {
  const last = new Map<string, { generation: number; next: number }>();
  const found: string[] = [];
  for (const { session, generation, next } of moves) {
    const before = last.get(session);
    if (before && before.generation >= generation && next < before.next)
      found.push(`${session} moved back from ${before.next} to ${next}`);
    last.set(session, { generation, next });
  }
  return found;
}

/** Throws unless every invariant holds. `context` says how to reproduce the run: the seed, the trace. */
export function expectInvariants(rows: FeedRows, witnessed: Witnessed, context = ""): void {
  const found = violations(rows, witnessed);
  if (found.length > 0) throw new Error(`${[context, ...found].filter(Boolean).join("\n  ")}`);
}
