import type { Faults, Wish } from "./state.ts";

/** The bounds of a search: the participants, and how often each fault may happen. */
export interface GroupBounds {
  readonly segmentSize: number;
  /** By session, the most messages of its batches. The sessions stand at number 1 when the search begins. */
  readonly maxBatch: Readonly<Record<string, number>>;
  /** Messages that exist when the search begins, with a wake on its way. */
  readonly messages: number;
  readonly appends: number;
  readonly notifiers: number;
  readonly deliverers: number;
  /** "on": a sweep runs when nothing else can happen, and earlier as often as the fault `earlySweep` allows. */
  readonly sweep: "off" | "on";
  /** What each person wishes, in order. */
  readonly people: readonly (readonly Wish[])[];
  /** Sessions whose endpoint never answers. */
  readonly hung: readonly string[];
  readonly faults: Partial<Faults>;
  /** Nothing fails, so no batch may be sent twice. */
  readonly isOnce: boolean;
}

/** Two sessions in one group: one takes two messages a request, the other one. */
const BASE: GroupBounds = {
  segmentSize: 10,
  maxBatch: { s1: 2, s2: 1 },
  messages: 0,
  appends: 0,
  notifiers: 0,
  deliverers: 1,
  sweep: "on",
  people: [],
  hung: [],
  faults: {},
  isOnce: false,
};

/** The scenarios that CI checks. The checker visits every state within a scenario's bounds. */
export const GROUP_SCENARIOS = {
  /** Hints survive these faults, so nothing may be lost even without a sweep. */
  "two appends, two notifiers, two deliverers; a crash, a doubled hint": {
    ...BASE,
    sweep: "off",
    appends: 2,
    notifiers: 2,
    deliverers: 2,
    faults: { notifyCrash: 1, doubledHint: 1 },
  },
  "nothing fails: each batch is sent once, in turns that end early": {
    ...BASE,
    sweep: "off",
    messages: 2,
    appends: 1,
    notifiers: 1,
    deliverers: 2,
    faults: { turnOver: 1 },
    isOnce: true,
  },
  "a deliver that dies twice while the feed grows": {
    ...BASE,
    messages: 1,
    appends: 2,
    faults: { deliverCrash: 2 },
  },
  "a slow holder while another takes over": {
    ...BASE,
    messages: 2,
    appends: 1,
    deliverers: 2,
    faults: { slowHolder: 1, doubledHint: 1 },
  },
  "a lost answer": {
    ...BASE,
    sweep: "off",
    messages: 1,
    appends: 1,
    notifiers: 1,
    deliverers: 2,
    people: [[{ action: "pause", session: "s1" }]],
    faults: { lostAnswer: 1 },
  },
  "a session that never answers": {
    ...BASE,
    sweep: "off",
    messages: 1,
    appends: 2,
    notifiers: 1,
    deliverers: 2,
    hung: ["s1"],
    faults: { turnOver: 1 },
  },
  "a request that outlives its turn, and its time": {
    ...BASE,
    maxBatch: { s1: 2 },
    messages: 1,
    appends: 1,
    notifiers: 1,
    deliverers: 2,
    faults: { turnOver: 1, slowRequest: 1, deliverCrash: 1 },
  },
  "both sessions are refused": {
    ...BASE,
    sweep: "off",
    messages: 1,
    deliverers: 2,
    faults: { refusal: 2 },
  },
  "a late request is refused, and a person seeks": {
    ...BASE,
    sweep: "off",
    maxBatch: { s1: 2 },
    messages: 2,
    deliverers: 2,
    people: [[{ action: "seek", session: "s1", to: "head" }]],
    faults: { refusal: 1, turnOver: 1 },
  },
  "a person pauses and resumes while the other session goes on": {
    ...BASE,
    messages: 2,
    appends: 1,
    notifiers: 1,
    deliverers: 2,
    people: [
      [
        { action: "pause", session: "s2" },
        { action: "resume", session: "s2" },
      ],
    ],
    isOnce: true,
  },
  "a person seeks back while a batch is under way": {
    ...BASE,
    messages: 2,
    appends: 1,
    notifiers: 1,
    people: [[{ action: "seek", session: "s2", to: "head" }]],
  },
  "two people: one subscribes and deletes, one pauses": {
    ...BASE,
    maxBatch: { s1: 2 },
    messages: 1,
    people: [
      [
        { action: "subscribe", session: "s2", to: "head" },
        { action: "remove", session: "s2" },
      ],
      [
        { action: "pause", session: "s1" },
        { action: "remove", session: "s1" },
      ],
    ],
  },
  "seek and subscribe while the group crosses and the sweep frees; a conflict": {
    ...BASE,
    segmentSize: 1,
    messages: 2,
    people: [
      [{ action: "seek", session: "s1", to: "head" }],
      [{ action: "subscribe", session: "s3", to: "head" }],
    ],
    faults: { conflict: 1, earlySweep: 1 },
  },
  "the sweep repairs: a lost hint, a deliver that dies": {
    ...BASE,
    appends: 2,
    notifiers: 1,
    faults: { lostHint: 1, deliverCrash: 1, earlySweep: 1 },
  },
} as const satisfies Record<string, GroupBounds>;

export type GroupScenarioName = keyof typeof GROUP_SCENARIOS;
