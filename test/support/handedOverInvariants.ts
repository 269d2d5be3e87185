import type { FeedRows, HandedOverEvent, Witnessed } from "./witnessed.ts";

/**
 * The bridge's promise: every event that the PBX handed over is in the queue, in the PBX's order, or a gap record covers
 * it. A gap record covers what is missing at its place: it stands after the last event before the hole and before the
 * first event after it. A restart of the PBX is said the same way, or a gap that does not know the start time yet. What was handed over before anything reached the feed
 * is older than the feed.
 *
 * That no event is in the queue twice is an invariant of every feed.
 */
export function handedOverViolations(rows: FeedRows, { handedOver = [] }: Witnessed): string[] {
  const numberOf = new Map<string, number>();
  const gaps: { number: number; gap: GapFacts }[] = [];
  for (const { first, events } of rows.pages)
    events.forEach((event, index) => {
      numberOf.set(event, first + index);
      const gap = readGap(event);
      if (gap !== undefined) gaps.push({ number: first + index, gap });
    });

  const found = gaps
    .filter(({ gap }) => gap.from > gap.to)
    .map(({ gap }) => `gap ${gap.gap} ends before it begins`);
  const between = (after: number, before: number) =>
    gaps.filter(({ number }) => number > after && number < before).map(({ gap }) => gap);
  let previous: { number: number; epoch: string } | undefined;
  let missing: HandedOverEvent[] = [];
  const judge = (number: number, epoch?: string) => {
    if (previous === undefined) return;
    const said = between(previous.number, number);
    if (missing.length > 0 && !said.some(({ reason }) => COVERING.has(reason)))
      found.push(
        `${missing.length} events after number ${previous.number} are neither in the queue nor in a gap: ${missing[0]?.event}`,
      );
    if (
      epoch !== undefined &&
      epoch !== previous.epoch &&
      !said.some(({ epochAfter }) => epochAfter === epoch || epochAfter === null)
    )
      found.push(`no gap before number ${number} says that the PBX restarted at ${epoch}`);
  };
  for (const each of handedOver) {
    const number = numberOf.get(each.event);
    if (number === undefined) missing.push(each);
    else {
      judge(number, each.epoch);
      if (previous !== undefined && number < previous.number)
        found.push(`${each.event} was handed over after number ${previous.number} and is number ${number}`);
      previous = { number, epoch: each.epoch };
      missing = [];
    }
  }
  judge(Number.POSITIVE_INFINITY);
  return found;
}

/** `drift` says that the state is wrong although no loss was noticed: whoever only ever says that has missed the loss. */
const COVERING = new Set([
  "link",
  "restart",
  "reader-too-slow",
  "spool-full",
  "spool-corrupt",
  "producer-conflict",
]);

interface GapFacts {
  readonly gap: string;
  readonly reason: string;
  readonly from: number;
  readonly to: number;
  readonly epochAfter: string | null;
}

function readGap(event: string): GapFacts | undefined {
  if (!event.startsWith('{"type":"RelayGap"')) return undefined;
  const { gap, reason, from, to, epochAfter } = JSON.parse(event);
  return { gap, reason, from: Date.parse(from), to: Date.parse(to), epochAfter };
}
