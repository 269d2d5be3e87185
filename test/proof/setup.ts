import { seededRandom } from "./scheduler.ts";
import type { Wish } from "./wish.ts";

/** The parts and the faults of one run. The setup and the schedule's choices determine the whole run. */
export interface Setup {
  readonly name: string;
  /** Batches per producer. A producer sends one batch at a time, until it is accepted. */
  readonly producers: readonly number[];
  readonly eventsPerBatch: number;
  readonly sessions: number;
  readonly notifiers: number;
  readonly deliverers: number;
  /** Most messages that a process receives at once. */
  readonly messagesAtOnce: number;
  /** A message that was not deleted becomes visible again after this time. */
  readonly visibilityMillis: number;
  /** Whether a turn ends after one batch, so that the wake at its end is part of the run. */
  readonly shortTurns?: boolean;
  /** Share of the steps at which a fault may happen. If every step could, all faults would happen early in a long run. */
  readonly chanceRate: number;
  /** Sweeps that begin while there is work. They may overlap. */
  readonly sweeps: number;
  readonly crashes: number;
  /** The kind of process that may crash; any if absent. */
  readonly crashing?: "notify" | "deliver";
  readonly lostHints: number;
  readonly doubledHints: number;
  readonly leasesExpired: number;
  /** Posts that the endpoint refuses, numbered from 1 over the run. */
  readonly refusedPosts: readonly number[];
  /** Posts that the endpoint accepts without a response in time. */
  readonly unansweredPosts: readonly number[];
  /** The processes' clocks are off by up to this much. */
  readonly clockSkewMillis: number;
  /** Calls to AWS that meet a fault. */
  readonly awsFaults: number;
  /** Whether only first tries meet faults, so that the SDK's retry succeeds. */
  readonly onlyFirstTries?: boolean;
  /** Whether sessions are created with rows of their own, which the sweeps pack into groups. */
  readonly packs?: boolean;
  /** A person's requests during the run, in this order. */
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
  environment: { RELAY_SEGMENT_SIZE: "4", RELAY_LINGER_SECONDS: "0", RELAY_CURSOR_GROUPS: "0" },
};

/**
 * The smallest case with every race between functions: two notifiers, two deliverers, three appends. Runs are short, so
 * each step may bring a fault, and a message that was not deleted is visible again at once.
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

/** Hints survive these faults: nothing may be lost, even without a sweep. */
const HINTS_SURVIVE: Setup = { ...SHORT, crashes: 1, crashing: "notify", doubledHints: 2 };

/** These faults lose a hint or leave a lease behind: the sweep must repair it. */
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
  name: "an append, a notifier, two deliverers and a doubled hint",
  producers: [1],
  notifiers: 1,
  doubledHints: 1,
};

/** The setup for the wrong ports of wrongPorts.ts. */
export const PLAIN: Setup = { ...SHORT, name: "no faults" };

/** These setups lose no hint, so everything must be delivered before any sweep. */
export const WITHOUT_SWEEP: readonly Setup[] = [
  HINTS_SURVIVE,
  { ...HINTS_SURVIVE, name: "turns that end after one batch", shortTurns: true },
  { ...HINTS_SURVIVE, name: "refusals and delayed wakes", refusedPosts: [1, 3] },
  { ...HINTS_SURVIVE, name: "requests that outstay the fast lane", unansweredPosts: [1, 2, 4] },
  { ...HINTS_SURVIVE, name: "three sessions", sessions: 3, deliverers: 3 },
  CALM,
  {
    ...CALM,
    name: "single pages for sessions that share one process",
    producers: [6],
    sessions: 3,
    deliverers: 1,
    notifiers: 1,
  },
  {
    ...CALM,
    name: "single pages for a session that two processes work on",
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
    name: "first tries are throttled or refused, or their responses are lost",
    awsFaults: 8,
    onlyFirstTries: true,
  },
  // Messages of dead processes become visible again, and producers resend.
  { ...CALM, name: "processes die", crashes: 3, doubledHints: 1 },
];

/** In these setups the next sweep must finish the work. */
export const WITH_SWEEP: readonly Setup[] = [
  SWEEP_REPAIRS,
  { ...SWEEP_REPAIRS, name: "the same with refusals and short turns", refusedPosts: [2], shortTurns: true },
  { ...SWEEP_REPAIRS, name: "the same with unanswered requests", unansweredPosts: [1, 2, 4] },
  { ...SWEEP_REPAIRS, name: "the same with three sessions", sessions: 3, deliverers: 3 },
  {
    ...SWEEP_REPAIRS,
    name: "the same where freed pages are left to expire",
    environment: { ...SWEEP_REPAIRS.environment, RELAY_FREEING: "expire" },
  },
  { ...CALM, name: "throttling, time-outs, conflicts", awsFaults: 5 },
  {
    ...CALM,
    name: "hints are lost and leases expire, while clocks differ by seconds",
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
    name: "all faults at once, while segments are freed",
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

/** A random mixture, determined by the seed. */
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
      ...CALM.environment,
      RELAY_SEGMENT_SIZE: String(3 + upTo(5)),
      RELAY_LINGER_SECONDS: String(upTo(1) / 10),
      RELAY_FREE_GRACE_SECONDS: upTo(1) === 0 ? "10" : "120",
      RELAY_FREEING: upTo(1) === 0 ? "at-once" : "expire",
    },
  };
}

/** The same with all sessions in groups. */
export function withGroups(setup: Setup): Setup {
  return { ...setup, environment: { ...setup.environment, RELAY_CURSOR_GROUPS: "1" } };
}

/** The same with rows that sweeps pack into groups while everything else goes on. */
export function withPacking(setup: Setup): Setup {
  return { ...withGroups(setup), packs: true, sweeps: Math.max(2, setup.sweeps) };
}
