import { seededRandom } from "./scheduler.ts";
import type { Wish } from "./wish.ts";

/** What one run is made of. Everything that happens in it follows from this and from the choices of its schedule. */
export interface Setup {
  readonly name: string;
  /** Batches that each producer sends, one after the other, each until it is accepted. */
  readonly producers: readonly number[];
  readonly eventsPerBatch: number;
  readonly sessions: number;
  readonly notifiers: number;
  readonly deliverers: number;
  /** How many messages a queue hands to a process at once, at most. */
  readonly messagesAtOnce: number;
  /** A message that was not deleted becomes visible again after this. */
  readonly visibilityMillis: number;
  /** Whether a turn ends after one batch, so that the wake at its end is part of the run. */
  readonly shortTurns?: boolean;
  /** Share of the steps at which something may happen beside the work; else all of it happens early in a long run. */
  readonly chanceRate: number;
  /** How many sweeps begin while there is work; they may overlap. */
  readonly sweeps: number;
  readonly crashes: number;
  /** Absent: any process may crash. */
  readonly crashing?: "notify" | "deliver";
  readonly lostHints: number;
  readonly doubledHints: number;
  readonly leasesExpired: number;
  /** Posts, counted over the run, that the endpoint refuses. */
  readonly refusedPosts: readonly number[];
  /** Posts that the endpoint takes and does not answer in time. */
  readonly unansweredPosts: readonly number[];
  /** Clocks of processes differ by up to this. */
  readonly clockSkewMillis: number;
  /** How many calls to AWS meet a fault. */
  readonly awsFaults: number;
  /** Whether only first tries meet faults, so that the SDK's next try succeeds. */
  readonly onlyFirstTries?: boolean;
  /** What people do meanwhile, in this order. */
  readonly wishes: readonly Wish[];
  readonly environment: Readonly<Record<string, string>>;
}

const CALM: Setup = {
  name: "nothing goes wrong",
  producers: [2, 2],
  eventsPerBatch: 3,
  sessions: 2,
  notifiers: 2,
  deliverers: 2,
  messagesAtOnce: 3,
  visibilityMillis: 65_000,
  chanceRate: 0.12,
  sweeps: 0,
  crashes: 0,
  lostHints: 0,
  doubledHints: 0,
  leasesExpired: 0,
  refusedPosts: [],
  unansweredPosts: [],
  clockSkewMillis: 0,
  awsFaults: 0,
  wishes: [],
  environment: { RELAY_SEGMENT_SIZE: "4", RELAY_LINGER_SECONDS: "0" },
};

/**
 * What the design names: two notifiers, two deliverers, three appends. Runs are short, so each step is a chance for a
 * fault, and a message that was not deleted is visible again at once.
 */
const SHORT: Setup = {
  ...CALM,
  name: "two notifiers, two deliverers, three appends",
  producers: [2, 1],
  eventsPerBatch: 2,
  sessions: 1,
  messagesAtOnce: 1,
  visibilityMillis: 0,
  chanceRate: 1,
};

/** Hints survive these faults: nothing may be lost, and no sweep is needed. */
const HINTS_SURVIVE: Setup = { ...SHORT, crashes: 1, crashing: "notify", doubledHints: 2 };

/** After these faults a hint is gone, or a lease is left behind: the sweep repairs. */
const SWEEP_REPAIRS: Setup = {
  ...SHORT,
  name: "crashes, lost hints and expired leases",
  crashes: 3,
  doubledHints: 1,
  lostHints: 1,
  leasesExpired: 1,
  sweeps: 1,
};

/** Small enough to visit every order of its steps. */
export const SMALLEST: Setup = {
  ...SHORT,
  name: "an append, a notifier, two deliverers, and a doubled hint",
  producers: [1],
  notifiers: 1,
  doubledHints: 1,
};

/** What the wrong ports of wrongPorts.ts are tried with. */
export const PLAIN: Setup = { ...SHORT, name: "no faults" };

/** Nothing here costs a hint, so all must be delivered before any sweep. */
export const WITHOUT_SWEEP: readonly Setup[] = [
  HINTS_SURVIVE,
  { ...HINTS_SURVIVE, name: "turns that end after one batch", shortTurns: true },
  { ...HINTS_SURVIVE, name: "refusals and delayed wakes", refusedPosts: [1, 3] },
  { ...HINTS_SURVIVE, name: "requests that outstay the fast lane", unansweredPosts: [1, 2, 4] },
  { ...HINTS_SURVIVE, name: "three sessions", sessions: 3, deliverers: 3 },
  CALM,
  {
    ...CALM,
    name: "pages come one by one to sessions that share one process",
    producers: [6],
    sessions: 3,
    deliverers: 1,
    notifiers: 1,
  },
  {
    ...CALM,
    name: "pages come one by one to a session that two processes work on",
    producers: [6],
    sessions: 1,
    doubledHints: 2,
  },
  {
    ...CALM,
    name: "doubled hints, refusals, lingering",
    doubledHints: 2,
    refusedPosts: [2],
    unansweredPosts: [1, 4],
    environment: { ...CALM.environment, RELAY_LINGER_SECONDS: "0.1" },
  },
  {
    ...CALM,
    name: "first tries are throttled or refused, or their answers are lost",
    awsFaults: 8,
    onlyFirstTries: true,
  },
  // Messages of the dead become visible again, and producers send again.
  { ...CALM, name: "processes die", crashes: 3, doubledHints: 1 },
];

/** What is left undone here is done by the next sweep. */
export const WITH_SWEEP: readonly Setup[] = [
  SWEEP_REPAIRS,
  { ...SWEEP_REPAIRS, name: "the same with refusals and short turns", refusedPosts: [2], shortTurns: true },
  { ...SWEEP_REPAIRS, name: "the same with unanswered requests", unansweredPosts: [1, 2, 4] },
  { ...SWEEP_REPAIRS, name: "the same with three sessions", sessions: 3, deliverers: 3 },
  { ...CALM, name: "throttling, time-outs, conflicts", awsFaults: 5 },
  {
    ...CALM,
    name: "hints are lost and leases expire, by clocks that differ by seconds",
    lostHints: 2,
    leasesExpired: 2,
    sweeps: 2,
    clockSkewMillis: 5_000,
  },
  {
    ...CALM,
    name: "people and sweeps at the same time",
    sweeps: 3,
    awsFaults: 2,
    leasesExpired: 1,
    wishes: [
      { change: 0, to: { state: "paused" } },
      { create: "head" },
      { change: 1, to: { next: "head" } },
      { change: 0, to: { state: "active" } },
      { delete: 1 },
      { change: 2, to: { maxBatch: 2 } },
    ],
  },
  {
    ...CALM,
    name: "all of it, while segments are freed",
    producers: [3, 2],
    sweeps: 3,
    awsFaults: 3,
    crashes: 1,
    lostHints: 1,
    doubledHints: 1,
    unansweredPosts: [3],
    leasesExpired: 2,
    clockSkewMillis: 1_000,
    wishes: [{ create: "tail" }, { change: 1, to: { next: "tail" } }, { delete: 0 }],
    environment: { ...CALM.environment, RELAY_FREE_GRACE_SECONDS: "10" },
  },
];

/** Any mixture, the same for the same seed. */
export function randomSetup(seed: number): Setup {
  const random = seededRandom(seed ^ 0x5eed);
  const upTo = (most: number) => Math.floor(random() * (most + 1));
  const sessions = 1 + upTo(3);
  const wishes = Array.from({ length: upTo(5) }, (): Wish => {
    const change = upTo(sessions - 1);
    const wanted: readonly Wish[] = [
      { create: "head" },
      { create: "tail" },
      { change, to: { state: "paused" } },
      { change, to: { state: "active" } },
      { change, to: { next: "head" } },
      { change, to: { next: "tail" } },
      { change, to: { maxBatch: 1 + upTo(4) } },
    ];
    return wanted[upTo(wanted.length - 1)] ?? { create: "head" };
  });
  const somePosts = () => Array.from({ length: upTo(2) }, () => 1 + upTo(9));
  return {
    ...CALM,
    name: `random ${seed}`,
    producers: Array.from({ length: 1 + upTo(2) }, () => 1 + upTo(4)),
    sessions,
    notifiers: 1 + upTo(2),
    deliverers: 1 + upTo(2),
    sweeps: upTo(3),
    awsFaults: upTo(8),
    crashes: upTo(3),
    lostHints: upTo(2),
    doubledHints: upTo(2),
    refusedPosts: somePosts(),
    unansweredPosts: somePosts(),
    leasesExpired: upTo(3),
    clockSkewMillis: upTo(1) * 1_000,
    wishes,
    environment: {
      RELAY_SEGMENT_SIZE: String(3 + upTo(5)),
      RELAY_LINGER_SECONDS: String(upTo(1) / 10),
      RELAY_FREE_GRACE_SECONDS: upTo(1) === 0 ? "10" : "120",
    },
  };
}
