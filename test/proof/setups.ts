import { seededRandom } from "./scheduler.ts";
import type { Setup } from "./run.ts";
import type { Wish } from "./person.ts";

const CALM: Setup = {
  name: "nothing goes wrong",
  producers: [2, 2],
  sessions: 2,
  notifiers: 2,
  deliverers: 2,
  sweeps: 0,
  awsFaults: 0,
  crashes: 0,
  lostHints: 0,
  doubledHints: 0,
  refusedPosts: 0,
  leasesRunOut: 0,
  clockSkewMillis: 0,
  wishes: [],
  environment: { RELAY_SEGMENT_SIZE: "4", RELAY_LINGER_SECONDS: "0" },
};

/** Nothing here costs a hint, so all must be delivered before any sweep. */
export const WITHOUT_SWEEP: readonly Setup[] = [
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
    refusedPosts: 2,
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
  { ...CALM, name: "throttling, time-outs, conflicts", awsFaults: 5 },
  {
    ...CALM,
    name: "hints are lost and leases run out, by clocks that differ by seconds",
    lostHints: 2,
    leasesRunOut: 2,
    sweeps: 2,
    clockSkewMillis: 5_000,
  },
  {
    ...CALM,
    name: "people and sweeps at the same time",
    sweeps: 3,
    awsFaults: 2,
    leasesRunOut: 1,
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
    refusedPosts: 1,
    leasesRunOut: 2,
    clockSkewMillis: 1_000,
    wishes: [{ create: "tail" }, { change: 1, to: { next: "tail" } }, { delete: 0 }],
    environment: { ...CALM.environment, RELAY_FREE_GRACE_SECONDS: "10" },
  },
];

export const ALL_SETUPS: readonly Setup[] = [...WITHOUT_SWEEP, ...WITH_SWEEP];

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
  return {
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
    refusedPosts: upTo(3),
    leasesRunOut: upTo(3),
    clockSkewMillis: upTo(1) * 1_000,
    wishes,
    environment: {
      RELAY_SEGMENT_SIZE: String(3 + upTo(5)),
      RELAY_LINGER_SECONDS: String(upTo(1) / 10),
      RELAY_FREE_GRACE_SECONDS: upTo(1) === 0 ? "10" : "120",
    },
  };
}
