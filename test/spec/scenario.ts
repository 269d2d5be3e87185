import type { Cursor, Faults, State, Wish } from "./state.ts";

/** What is looked at: who takes part, how often each fault may happen, and the times. */
export interface Scenario {
  readonly segmentSize: number;
  /** Sessions that stand parked at number 1 when the search begins. */
  readonly sessions: readonly string[];
  /** Pages that are there when the search begins; the tail hint knows nothing of them. */
  readonly pages: number;
  /** Per ingest the events that it appends, one page each. */
  readonly appends: readonly (readonly string[])[];
  readonly notifiers: number;
  readonly deliverers: number;
  /** "on": whenever nothing else can happen, and as often in between as the fault `earlySweep` says. */
  readonly sweep: "off" | "on";
  readonly wishes: readonly Wish[];
  readonly faults: Partial<Faults>;
  readonly times: Times;
  readonly variant?: Variant | undefined;
}

/** In ticks. */
export interface Times {
  readonly last: number;
  readonly tailCache: number;
  readonly appendTimeout: number;
  readonly freeGrace: number;
}

/** Time stands still, a segment may be freed as soon as it is closed, and no tail grows old. */
export const TIMELESS: Times = { last: 0, tailCache: 0, appendTimeout: 0, freeGrace: -1 };

/** Small changes of the protocol. Each of them breaks it. */
export type Variant =
  | "mark before wake"
  | "mark without fence"
  | "park without second read"
  | "notify with stale reads"
  | "append without recognising its own page"
  | "search of the tail without a second look at the head"
  | "delete pages in any order"
  | "free without grace"
  | "grace of one append only"
  | "free with the counts checked before the transaction"
  | "count moved outside the transaction"
  | "cursor advanced before the endpoint accepted"
  | "take over without naming the lease"
  | "write without naming the segment"
  | "subscribe without a check of the head"
  | "lease never expires"
  | "sweep off while hints are lost";

const NO_FAULTS: Faults = {
  notifyCrash: 0,
  deliverCrash: 0,
  sweepCrash: 0,
  doubledHint: 0,
  lostHint: 0,
  slowHolder: 0,
  lostReply: 0,
  refusal: 0,
  conflict: 0,
  turnOver: 0,
  earlySweep: 0,
  eviction: 0,
};

export function initialState(scenario: Scenario): State {
  const numbers = Array.from({ length: scenario.pages }, (_, index) => index + 1);
  const parked: Cursor = {
    state: "parked",
    next: 1,
    segment: 0,
    fence: 1,
    lease: 0,
    leaseRanOut: false,
    isDue: false,
  };
  return {
    now: 0,
    head: { headSegment: 0, tailHint: 0, clearedSegment: 0 },
    pages: numbers.map((first) => ({ first, event: `old ${first}`, appendedAt: 0 })),
    counts: [scenario.sessions.length],
    cursors: Object.fromEntries(scenario.sessions.map((session) => [session, parked])),
    staleCursors: {},
    notifies: 0,
    wakes: [],
    delayedWakes: [],
    ingests: scenario.appends.map((events, index) => ({
      name: `ingest ${index + 1}`,
      at: "rest",
      events,
      tail: { next: scenario.pages + 1, readAt: 0 },
      search: null,
      page: null,
    })),
    notifiers: [],
    deliverers: [],
    sweeper: null,
    person: { wishes: scenario.wishes, at: "read", tail: 0, headSegment: 0, row: null },
    faults: { ...NO_FAULTS, ...scenario.faults },
    given: numbers.map((number) => ({ number, event: `old ${number}` })),
    received: Object.fromEntries(scenario.sessions.map((session) => [session, 0])),
  };
}
