import type { Variant } from "../races.ts";
import type { Bounds } from "./bounds.ts";
import { SCENARIOS, type ScenarioName } from "./scenarios.ts";
import type { Faults, Row, State } from "./state.ts";

/** The bounds of a search, and the rule that is broken on purpose, if any. */
export interface Scenario extends Bounds {
  readonly variant?: Variant | undefined;
}

/** The scenario that must find a wrong variant. */
export function variantOf({ name, scenario }: { name: Variant; scenario: ScenarioName }): Scenario {
  const bounds: Bounds = SCENARIOS[scenario];
  if (name !== "grace of one append only") return { ...bounds, variant: name };
  const { tailCache, appendTimeout } = bounds.times;
  return { ...bounds, variant: name, times: { ...bounds.times, freeGrace: tailCache + appendTimeout } };
}

const NO_FAULTS: Faults = {
  notifyCrash: 0,
  deliverCrash: 0,
  connectionCrash: 0,
  sweepCrash: 0,
  doubledHint: 0,
  lostHint: 0,
  slowHolder: 0,
  lostResponse: 0,
  refusal: 0,
  conflict: 0,
  turnOver: 0,
  earlySweep: 0,
  eviction: 0,
};

export function initialState(scenario: Scenario): State {
  const numbers = Array.from({ length: scenario.pages }, (_, index) => index + 1);
  const parked: Row = {
    state: "parked",
    next: 1,
    segment: 0,
    fence: 1,
    lease: 0,
    leaseExpired: false,
    isDue: false,
  };
  return {
    now: 0,
    head: { headSegment: 0, tailHint: 0, clearedSegment: 0 },
    pages: numbers.map((first) => ({ first, event: `old ${first}`, appendedAt: 0 })),
    counts: [scenario.sessions.length],
    cursors: Object.fromEntries(
      scenario.sessions.map((session) => [
        session,
        scenario.amiUsers.includes(session) ? { ...parked, kind: "ami" as const } : parked,
      ]),
    ),
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
    connections: [],
    loginsLeft: scenario.logins,
    sweeper: null,
    person: { wishes: scenario.wishes, at: "read", tail: 0, headSegment: 0, row: null },
    faults: { ...NO_FAULTS, ...scenario.faults },
    given: numbers.map((number) => ({ number, event: `old ${number}` })),
    received: Object.fromEntries(scenario.sessions.map((session) => [session, 0])),
  };
}
