import { firstHeld } from "../../shared/queue/tail.ts";
import type { Delivery, FeedRows, WatchedSession, Witnessed } from "./witnessed.ts";

/**
 * A session received all its messages in order, from its start to the tail, or a gap message for the missing ones. Only
 * whole batches are repeated, under the same id. A person's change (seek, filter) begins a new generation at the place
 * that the person set.
 */
export function deliveryViolations(session: WatchedSession, rows: FeedRows, witnessed: Witnessed): string[] {
  const received = witnessed.deliveries.filter((each) => each.session === session.session);
  const { batches, found } = firstTimes(received);
  const byGeneration = Map.groupBy(batches, generationOf);
  const moves = witnessed.moves?.filter((each) => each.session === session.session) ?? [];
  const newest = Math.max(1, ...byGeneration.keys(), ...moves.map(({ generation }) => generation));
  const queue = new QueueView(rows, witnessed);
  for (let generation = 1; generation <= newest; generation += 1) {
    const mine = byGeneration.get(generation) ?? [];
    const start =
      generation === 1
        ? session.start
        : (moves.find((each) => each.generation === generation)?.next ??
          (mine[0]?.previous ?? queue.tail) + 1);
    const reader = new Reader(session, queue, start);
    for (const batch of mine) reader.take(batch);
    if (generation === newest && session.mustReachTail) reader.end();
    found.push(...reader.found);
  }
  return found;
}

/** The first delivery of each batch. A repeat must be identical. */
function firstTimes(received: readonly Delivery[]): { batches: Delivery[]; found: string[] } {
  const byId = new Map<string, Delivery>();
  const found: string[] = [];
  for (const delivery of received) {
    const before = byId.get(delivery.id);
    if (before === undefined) byId.set(delivery.id, delivery);
    else if (
      delivery.gap === undefined &&
      JSON.stringify(before.messages) !== JSON.stringify(delivery.messages)
    )
      found.push(`${delivery.session} got batch ${delivery.id} again with other messages`);
  }
  return { batches: [...byId.values()], found };
}

/** Batch ids are `session-generation-…`. */
function generationOf({ session, id }: Delivery): number {
  return Number.parseInt(id.slice(session.length + 1), 10);
}

/** The queue's messages, as far as pages, deliveries and responses show them. */
class QueueView {
  readonly tail: number;
  readonly #events = new Map<number, string>();

  constructor({ pages, head }: FeedRows, { deliveries, accepted }: Witnessed) {
    for (const { first, events } of pages)
      events.forEach((event, index) => void this.#events.set(first + index, event));
    for (const { messages, gap } of deliveries)
      if (!gap) for (const { sequence, event } of messages) this.#events.set(sequence, event);
    for (const { sequence, event } of accepted) if (sequence !== undefined) this.#events.set(sequence, event);
    this.tail = Math.max(0, firstHeld(head) - 1, ...this.#events.keys());
  }

  /** The numbers from `first` to `last` that a session wants. Without a filter it also wants messages that nobody saw. */
  wanted(first: number, last: number, wants: WatchedSession["wants"]): number[] {
    const numbers = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
    return wants ? numbers.filter((number) => wants(this.#events.get(number) ?? "")) : numbers;
  }
}

/** Reads a session's batches in order and notes each batch that does not follow the previous one. */
class Reader {
  readonly found: string[] = [];
  readonly #session: WatchedSession;
  readonly #queue: QueueView;
  readonly #missing: { first: number; last: number }[] = [];
  #next: number;
  #previous: number | undefined;

  constructor(session: WatchedSession, queue: QueueView, start: number) {
    this.#session = session;
    this.#queue = queue;
    this.#next = start;
  }

  take(batch: Delivery): void {
    const { id, messages, previous, gap } = batch;
    // A holder that lost its lease may still send messages that the next holder has already reported as missing.
    const numbers = messages.map(({ sequence }) => sequence);
    if (this.#missing.some(({ first, last }) => numbers.every((number) => number >= first && number <= last)))
      return;
    if (this.#previous !== undefined && previous !== this.#previous)
      this.#note(`batch ${id} claims to follow ${previous}, but follows ${this.#previous}`);
    const expected = this.#wantedUntil(gap ? gap.first - 1 : (numbers.at(-1) ?? 0));
    const got = gap ? [] : numbers;
    if (String(expected) !== String(got))
      this.#note(`batch ${id} brought ${ranges(got)} where ${ranges(expected)} was next`);
    if (gap) this.#missing.push(gap);
    this.#next = Math.max(this.#next, (gap ? gap.last : (numbers.at(-1) ?? 0)) + 1);
    this.#previous = gap ? gap.last : numbers.at(-1);
  }

  end(): void {
    const rest = this.#wantedUntil(this.#queue.tail);
    if (rest.length > 0) this.#note(`never got ${ranges(rest)} of ${this.#queue.tail}`);
  }

  #wantedUntil(last: number): number[] {
    return this.#queue.wanted(this.#next, last, this.#session.wants);
  }

  #note(text: string): void {
    this.found.push(`${this.#session.session}: ${text}`);
  }
}

/** For example "1-3, 7". */
function ranges(numbers: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const number of numbers) {
    const last = parts.at(-1);
    if (last && last[1] + 1 === number) last[1] = number;
    else parts.push([number, number]);
  }
  const texts = parts.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  return texts.length === 0 ? "nothing" : texts.join(", ");
}
