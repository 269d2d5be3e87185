import type { Faults, Wish } from "./state.ts";

/** What is looked at: who takes part, how often each fault may happen, and the times. */
export interface Bounds {
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
