import type { CursorGroup } from "../../../shared/groups/group.ts";
import type { GroupCursor } from "../../../shared/groups/groupCursor.ts";

/**
 * Everything that the rules of cursor groups can see: one group's row, the reference counts, the hints in flight, and the
 * progress of each running function. One page holds one message, and its number is its key.
 */
export interface State {
  readonly segmentSize: number;
  /** The last number appended. */
  readonly tail: number;
  /** Messages that may still be appended. */
  readonly toAppend: number;
  readonly headSegment: number;
  /** Reference counts by segment. */
  readonly counts: readonly number[];
  /** Null when its last session was deleted. */
  readonly group: CursorGroup | null;
  // SQS: hints in flight. A delayed wake becomes a wake when its session is due.
  readonly notifies: number;
  readonly wakes: number;
  readonly delayedWakes: readonly string[];
  // Running functions
  readonly notifiers: readonly Notifier[];
  readonly deliverers: readonly Deliverer[];
  readonly sweeper: Sweeper | null;
  readonly people: readonly Person[];
  readonly faults: Faults;
  /** The next holder's token. */
  readonly nextToken: number;
  // For the invariants only
  /** Per session, the last number up to which its endpoint has accepted every message. */
  readonly received: Readonly<Record<string, number>>;
  /** The batches that were begun, by session and generation, each once: `first-last`. */
  readonly begun: Readonly<Record<string, readonly string[]>>;
  /** What people were last told about each session. */
  readonly wanted: Readonly<Record<string, "active" | "paused">>;
  /** A batch of this session was begun a second time. */
  readonly repeated: string | null;
}

export interface Notifier {
  readonly name: string;
  readonly at: "list" | "sendWake" | "mark";
  readonly tail: number;
  readonly read: CursorGroup | null;
}

export interface Deliverer {
  readonly name: string;
  readonly token: string;
  readonly at: "plan" | "take" | "hold" | "sendWake" | "late";
  /** The row as last read or written. */
  readonly base: CursorGroup;
  /** The same with the progress that is not written yet. */
  readonly mine: CursorGroup;
  readonly tail: number;
  /** The turn's time is over: no further batch begins. */
  readonly isOver: boolean;
  readonly requests: Readonly<Record<string, Request>>;
  /** Sessions whose failure is not written yet. */
  readonly failed: readonly string[];
  /** Sessions whose failure is written and whose delayed wake is not sent yet. */
  readonly owed: readonly string[];
}

export interface Batch {
  readonly first: number;
  readonly last: number;
}

/** A request under way. */
export interface Request extends Batch {
  readonly generation: number;
  /** The request's number, once it has outlived its turn. */
  readonly number: number;
}

export interface Sweeper {
  readonly at: "sendWake" | "mark" | "cross" | "free";
  readonly tail: number;
  readonly read: CursorGroup | null;
}

/** A person who uses the API, one wish at a time. */
export interface Person {
  readonly name: string;
  readonly wishes: readonly Wish[];
  readonly at: "read" | "write" | "sendWake";
  readonly read: CursorGroup | null;
  readonly tail: number;
  readonly headSegment: number;
}

export interface Wish {
  readonly action: "subscribe" | "seek" | "pause" | "resume" | "remove";
  readonly session: string;
  readonly to?: "head" | "tail";
}

/** How often each fault may still happen. */
export interface Faults {
  readonly notifyCrash: number;
  readonly deliverCrash: number;
  readonly sweepCrash: number;
  readonly doubledHint: number;
  readonly lostHint: number;
  /** The lease expires while its holder still works. */
  readonly slowHolder: number;
  /** The time of a late request is over while its process still waits for the answer. */
  readonly slowRequest: number;
  /** A write of deliver is applied and its response is lost. */
  readonly lostAnswer: number;
  /** The endpoint refuses. */
  readonly refusal: number;
  /** A crossing's transaction conflicts with another one. */
  readonly conflict: number;
  /** A turn's time is over. */
  readonly turnOver: number;
  /** The sweep runs while other functions run or hints are in flight. */
  readonly earlySweep: number;
}

/** One atomic step: a call to AWS or to an endpoint, or a fault. */
export interface Step {
  readonly name: string;
  readonly state: State;
}

/** The time at which the rules judge a row. What is due or expired has the time `PAST`, the rest `FUTURE`. */
export const NOW = 1_000_000;
export const PAST = 0;
/** Later than the tolerance of due times, and before the end of the longest lease: a lease beyond that has expired. */
export const FUTURE = NOW + 10_000;
/** A lease until `FUTURE`, as `take` and `advance` write it. */
export const HOLD = { leaseMillis: FUTURE - NOW, nowEpochMillis: NOW };

export function spend(state: State, fault: keyof Faults): State {
  return { ...state, faults: { ...state.faults, [fault]: state.faults[fault] - 1 } };
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

/** Lets time pass: changes the row, and every copy of it, since a due time is due for all who have read it. */
export function everywhere(state: State, change: (group: CursorGroup) => CursorGroup): State {
  const maybe = (group: CursorGroup | null) => group && change(group);
  return {
    ...state,
    group: maybe(state.group),
    notifiers: state.notifiers.map((each) => ({ ...each, read: maybe(each.read) })),
    deliverers: state.deliverers.map((each) => ({
      ...each,
      base: change(each.base),
      mine: change(each.mine),
    })),
    sweeper: state.sweeper && { ...state.sweeper, read: maybe(state.sweeper.read) },
    people: state.people.map((each) => ({ ...each, read: maybe(each.read) })),
  };
}

export function withCursor(
  group: CursorGroup,
  session: string,
  change: (cursor: GroupCursor) => GroupCursor,
): CursorGroup {
  const cursor = group.cursors[session];
  return cursor === undefined
    ? group
    : { ...group, cursors: { ...group.cursors, [session]: change(cursor) } };
}
