import { type Bounds, TIMELESS } from "./bounds.ts";

/** The base of the scenarios below: one session, one page per event, no faults. */
const BASE: Bounds = {
  segmentSize: 10,
  sessions: ["s1"],
  pages: 0,
  appends: [],
  notifiers: 0,
  deliverers: 1,
  amiUsers: [],
  logins: 0,
  sweep: "on",
  wishes: [],
  faults: {},
  times: TIMELESS,
};

const TAILS: Bounds = { ...BASE, sessions: [], deliverers: 0, faults: { earlySweep: 1 } };

const AMI: Bounds = { ...BASE, deliverers: 0, amiUsers: ["s1"] };

/** The scenarios that CI checks. The checker visits every state within a scenario's bounds. */
export const SCENARIOS = {
  /** Hints survive these faults, so nothing may be lost even without a sweep. */
  "three appends, two notifiers, two deliverers; a crash, a doubled hint, a slow holder": {
    ...BASE,
    sweep: "off",
    appends: [["a", "b", "c"]],
    notifiers: 2,
    deliverers: 2,
    faults: { notifyCrash: 1, doubledHint: 1, slowHolder: 1 },
  },
  "two appends, two notifiers, two deliverers; a crash": {
    ...BASE,
    sweep: "off",
    appends: [["a", "b"]],
    notifiers: 2,
    deliverers: 2,
    faults: { notifyCrash: 1 },
  },
  "a refusal and a turn that is over": {
    ...BASE,
    sweep: "off",
    appends: [["a", "b"]],
    notifiers: 1,
    deliverers: 2,
    faults: { refusal: 1, turnOver: 1, doubledHint: 1, slowHolder: 1 },
  },
  "two sessions; a crash": {
    ...BASE,
    sweep: "off",
    sessions: ["s1", "s2"],
    appends: [["a", "b"]],
    notifiers: 1,
    deliverers: 2,
    faults: { notifyCrash: 1 },
  },
  "the sweep repairs: a lost hint, a deliver that dies": {
    ...BASE,
    appends: [["a", "b"]],
    notifiers: 1,
    deliverers: 2,
    faults: { lostHint: 1, deliverCrash: 1, earlySweep: 1 },
  },
  "a slow holder while another takes over": {
    ...BASE,
    pages: 3,
    deliverers: 2,
    faults: { slowHolder: 1, doubledHint: 1, earlySweep: 1 },
  },
  "a put whose response is lost, against another ingest": {
    ...TAILS,
    appends: [["a", "b"], ["c"]],
    faults: { lostResponse: 1 },
  },
  "two ingests with cached tails, and freeing": {
    ...TAILS,
    segmentSize: 1,
    appends: [["a", "b"], ["c"]],
    times: { last: 3, tailCache: 0, appendTimeout: 1, freeGrace: 2 },
  },
  "freeing while an ingest searches the tail": {
    ...TAILS,
    segmentSize: 2,
    pages: 5,
    appends: [["a"]],
    times: { last: 4, tailCache: 0, appendTimeout: 1, freeGrace: 2 },
  },
  "seek while deliver crosses and the sweep frees; a conflict": {
    ...BASE,
    segmentSize: 1,
    pages: 2,
    wishes: [{ action: "seek", session: "s1", to: "head" }],
    faults: { conflict: 1, earlySweep: 1 },
  },
  "subscribe at the head while the sweep frees": {
    ...BASE,
    segmentSize: 1,
    pages: 2,
    deliverers: 2,
    wishes: [{ action: "subscribe", session: "s2", to: "head" }],
    faults: { sweepCrash: 1, earlySweep: 1 },
  },
  "remove one of two sessions": {
    ...BASE,
    segmentSize: 1,
    sessions: ["s1", "s2"],
    pages: 2,
    wishes: [{ action: "remove", session: "s1" }],
    faults: { slowHolder: 1, earlySweep: 1 },
  },
  "pause and resume": {
    ...BASE,
    pages: 2,
    deliverers: 2,
    wishes: [
      { action: "pause", session: "s1" },
      { action: "resume", session: "s1" },
    ],
    faults: { refusal: 1, earlySweep: 1 },
  },
  "an AMI user logs in again while its connection lasts, or after it died; a slow one": {
    ...AMI,
    sweep: "off",
    pages: 2,
    logins: 2,
    faults: { connectionCrash: 1, slowHolder: 1 },
  },
  "an AMI user is connected while the sweep frees; a conflict": {
    ...AMI,
    segmentSize: 1,
    pages: 2,
    logins: 2,
    faults: { conflict: 1, earlySweep: 1 },
  },
  "an AMI user is evicted and paused while it is connected": {
    ...AMI,
    segmentSize: 1,
    pages: 2,
    logins: 1,
    wishes: [{ action: "pause", session: "s1" }],
    faults: { eviction: 1, earlySweep: 1 },
  },
  "eviction under a slow holder": {
    ...BASE,
    segmentSize: 1,
    pages: 2,
    deliverers: 2,
    faults: { eviction: 1, slowHolder: 1, earlySweep: 1 },
  },
  "two ingests with cached tails, and freeing; freed pages are left": {
    ...TAILS,
    freeing: "expire",
    segmentSize: 1,
    appends: [["a", "b"], ["c"]],
    times: { last: 3, tailCache: 0, appendTimeout: 1, freeGrace: 2 },
  },
  "freeing while an ingest searches the tail; freed pages are left": {
    ...TAILS,
    freeing: "expire",
    segmentSize: 2,
    pages: 5,
    appends: [["a"]],
    times: { last: 4, tailCache: 0, appendTimeout: 1, freeGrace: 2 },
  },
  "seek while deliver crosses and the sweep frees; a conflict; freed pages are left": {
    ...BASE,
    freeing: "expire",
    segmentSize: 1,
    pages: 2,
    wishes: [{ action: "seek", session: "s1", to: "head" }],
    faults: { conflict: 1, earlySweep: 1 },
  },
  "subscribe at the head while the sweep frees; freed pages are left": {
    ...BASE,
    freeing: "expire",
    segmentSize: 1,
    pages: 2,
    deliverers: 2,
    wishes: [{ action: "subscribe", session: "s2", to: "head" }],
    faults: { sweepCrash: 1, earlySweep: 1 },
  },
} as const satisfies Record<string, Bounds>;

export type ScenarioName = keyof typeof SCENARIOS;
