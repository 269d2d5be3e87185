import { segmentOf } from "../../shared/queue/sequence.ts";

/**
 * Everything that the protocol's rules can see: the rows of the tables, the hints in flight, and the progress of each
 * running function. One page holds one message, and its number is its key. Names are those of the code.
 */
export interface State {
  /** Moves only in scenarios about cached tails. */
  readonly now: number;
  // Queue table
  readonly head: Head;
  readonly pages: readonly Page[];
  /** Reference counts by segment. */
  readonly counts: readonly number[];
  // Cursors table
  readonly cursors: Readonly<Record<string, Row>>;
  /** The rows before their last change, which a read that is not strongly consistent may still return. */
  readonly staleCursors: Readonly<Record<string, Row>>;
  // SQS: hints in flight. A delayed wake becomes a wake when its session's backoff is due.
  readonly notifies: number;
  readonly wakes: readonly string[];
  readonly delayedWakes: readonly string[];
  // Running functions
  readonly ingests: readonly Ingest[];
  readonly notifiers: readonly Notifier[];
  readonly deliverers: readonly Deliverer[];
  readonly connections: readonly Connection[];
  readonly loginsLeft: number;
  readonly sweeper: Sweeper | null;
  readonly person: Person;
  /** How often each fault may still happen. */
  readonly faults: Faults;
  // For the invariants only
  /** Every successful put, in order. */
  readonly given: readonly { readonly number: number; readonly event: string }[];
  /** Per session, the last number up to which its endpoint has accepted every message. */
  readonly received: Readonly<Record<string, number>>;
}

export interface Head {
  readonly headSegment: number;
  readonly tailHint: number;
  readonly clearedSegment: number;
}

export interface Page {
  readonly first: number;
  readonly event: string;
  /** The time of planning. The put may be applied later, up to the append's timeout. */
  readonly appendedAt: number;
}

export interface Row {
  /** Absent for a webhook. */
  readonly kind?: "ami" | undefined;
  readonly state: "parked" | "signalled" | "active" | "backoff" | "paused";
  readonly next: number;
  readonly segment: number;
  readonly fence: number;
  /** Represents `leaseUntilEpochMillis`. Each take and each advance writes a new value. */
  readonly lease: number;
  readonly leaseExpired: boolean;
  readonly isDue: boolean;
}

export interface Ingest {
  readonly name: string;
  readonly at: "rest" | "readLastPage" | "readHeadAgain" | "putPage" | "sendNotify";
  /** Not yet appended, in order. */
  readonly events: readonly string[];
  readonly tail: Tail | null;
  /** The progress of the search for the tail. Its `next` is 0 until a page is found. */
  readonly search: (Tail & Head & { readonly segment: number }) | null;
  readonly page: Page | null;
}

export interface Tail {
  readonly next: number;
  readonly readAt: number;
}

export interface Notifier {
  readonly name: string;
  readonly at: "listCursors" | "sendWakes" | "markSignalled";
  readonly tail: number;
  /** Rows to wake, as they were read. */
  readonly parked: readonly (readonly [sessionId: string, read: Row])[];
}

export interface Deliverer {
  readonly name: string;
  readonly session: string;
  readonly at: "plan" | "take" | "post" | "advance" | "park" | "backOff" | "sendWake";
  /** The row as last read or written. */
  readonly row: Row;
  /** `row.next` or later: includes progress that is not written yet. */
  readonly next: number;
  /** Whether the plan found a page at `next`. */
  readonly hasBatch: boolean;
  /** The turn's time is over: the row is parked, and the session gets another wake. */
  readonly isOver: boolean;
}

/** A connection of an AMI user. */
export interface Connection {
  readonly name: string;
  readonly session: string;
  readonly at: "take" | "follow";
  /** The row as last read or written. */
  readonly row: Row;
  /** The next number to write to the socket: `row.next` or later. */
  readonly next: number;
}

export interface Sweeper {
  readonly at: "evict" | "cross" | "sendWakes" | "markSignalled" | "moveHead" | "delete";
  readonly tail: number;
  readonly head: Head;
  readonly cursors: readonly (readonly [sessionId: string, read: Row])[];
  /** Only for the variant that checks the counts outside the transaction. */
  readonly countsRead: readonly number[] | null;
}

/** A person who uses the API, one wish at a time. */
export interface Person {
  readonly wishes: readonly Wish[];
  readonly tail: number;
  readonly headSegment: number;
  readonly row: Row | null;
  readonly at: "read" | "write" | "sendWake";
}

export interface Wish {
  readonly action: "subscribe" | "seek" | "pause" | "resume" | "remove";
  readonly session: string;
  readonly to?: "head" | "tail";
}

export interface Faults {
  readonly notifyCrash: number;
  readonly deliverCrash: number;
  readonly sweepCrash: number;
  readonly doubledHint: number;
  readonly lostHint: number;
  readonly connectionCrash: number;
  /** The lease expires while its holder still works. */
  readonly slowHolder: number;
  /** A put is applied, its response is lost, and the SDK retries it. */
  readonly lostResponse: number;
  /** The endpoint refuses. */
  readonly refusal: number;
  /** A transaction is refused because of a conflict with another one. */
  readonly conflict: number;
  /** A turn's time is over after a batch, or a request times out in the fast lane. */
  readonly turnOver: number;
  /** The sweep runs while other functions run or hints are in flight. */
  readonly earlySweep: number;
  /** Retention moves a session forward. */
  readonly eviction: number;
}

/** One atomic step: a call to AWS or to an endpoint, or a fault. */
export interface Step {
  readonly name: string;
  readonly state: State;
}

/** The last number appended. */
export function tailOf(state: State): number {
  return state.given.reduce((highest, { number }) => Math.max(highest, number), 0);
}

export function lastPageOf(state: State, segment: number, segmentSize: number): Page | undefined {
  return state.pages
    .filter(({ first }) => segmentOf(first, segmentSize) === segment)
    .reduce<Page | undefined>((last, page) => (last && last.first > page.first ? last : page), undefined);
}

export function spend(faults: Faults, fault: keyof Faults): Faults {
  return { ...faults, [fault]: faults[fault] - 1 };
}

/** Replaces the actor with this name by `by`, or removes it if `by` is absent. */
export function replace<T extends { readonly name: string }>(
  actors: readonly T[],
  name: string,
  by?: T,
): readonly T[] {
  return actors.flatMap((actor) => (actor.name !== name ? [actor] : by ? [by] : []));
}

/** The first unused name. */
export function freeName(actors: readonly { readonly name: string }[], kind: string): string {
  for (let number = 1; ; number += 1) {
    const name = `${kind} ${number}`;
    if (!actors.some((actor) => actor.name === name)) return name;
  }
}
