import type { Faults, Wish } from "./state.ts";

/** The bounds of a search: the participants, how often each fault may happen, and the times. */
export interface Bounds {
  readonly segmentSize: number;
  /** Sessions that are parked at number 1 when the search begins. */
  readonly sessions: readonly string[];
  /** Pages that exist when the search begins. The tail hint does not cover them. */
  readonly pages: number;
  /** The events that each ingest appends, one page per event. */
  readonly appends: readonly (readonly string[])[];
  readonly notifiers: number;
  readonly deliverers: number;
  /** Sessions whose kind is `ami`. */
  readonly amiUsers: readonly string[];
  /** How often an AMI user logs in. A login takes over from a connection that still lasts. */
  readonly logins: number;
  /** "on": a sweep runs when nothing else can happen, and earlier as often as the fault `earlySweep` allows. */
  readonly sweep: "off" | "on";
  /** Freed pages are left in the table; absent: the sweep deletes them. */
  readonly freeing?: "expire";
  readonly wishes: readonly Wish[];
  readonly faults: Partial<Faults>;
  readonly times: Times;
}

/** In ticks. */
export interface Times {
  readonly last: number;
  readonly tailCache: number;
  readonly appendTimeout: number;
  readonly freeGrace: number;
}

/** Time stands still. A segment may be freed as soon as it is closed, and cached tails never expire. */
export const TIMELESS: Times = { last: 0, tailCache: 0, appendTimeout: 0, freeGrace: -1 };
