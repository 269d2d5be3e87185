import type { Sequence } from "../queue/sequence.ts";

/** An entry in the record of a session's requests: one failure, or a run of successes. */
export interface Attempt {
  readonly outcome: "accepted" | "failed";
  readonly status?: number | undefined;
  /** Of a failure: stable and machine-readable, as in `DeliveryOutcome`. */
  readonly reason?: string | undefined;
  /** Of a failure: for people. */
  readonly detail?: string | undefined;
  /** When the first and the last request of the entry ended. */
  readonly sinceEpochMillis: number;
  readonly atEpochMillis: number;
  /** Of the longest request. */
  readonly durationMillis: number;
  readonly requests: number;
  /** The last batch's id. */
  readonly batch: string;
  /** The first and the last message sent, or the ends of the gap that was reported. */
  readonly first: Sequence;
  readonly last: Sequence;
  readonly messages: number;
  /** Present when the request reported a gap. */
  readonly gap?: string | undefined;
  /** Present when the request was a test message: the id by which its sender finds it. */
  readonly test?: string | undefined;
}

/** How many entries the interface shows. */
export const SHOWN_ATTEMPTS = 50;

/** Longer than the three days for which a failing endpoint is retried. */
export const ATTEMPTS_KEPT_MILLIS = 7 * 86_400_000;

/** Whether an entry may become part of a run: an ordinary request that was accepted. */
export function isOrdinary({ outcome, gap, test }: Attempt): boolean {
  return outcome === "accepted" && gap === undefined && test === undefined;
}

/** Two runs of successes as one. `later` follows `earlier` in the feed. */
export function joined(earlier: Attempt, later: Attempt): Attempt {
  return {
    ...later,
    sinceEpochMillis: earlier.sinceEpochMillis,
    durationMillis: Math.max(earlier.durationMillis, later.durationMillis),
    requests: earlier.requests + later.requests,
    first: Math.min(earlier.first, later.first),
    last: Math.max(earlier.last, later.last),
    messages: earlier.messages + later.messages,
  };
}
