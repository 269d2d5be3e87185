import { RelayCallError } from "../../client/relayCallError.ts";

/** What to do after a request failed. */
export type NextStep =
  /** The relay refuses every event (422). */
  | { readonly kind: "refused"; readonly refused: RelayCallError["refused"] }
  /** The body is too large or unreadable: half of it may do. A single record is replaced. */
  | { readonly kind: "split" }
  /** The positions contradict what the relay knows of the producer (409). */
  | { readonly kind: "conflict" }
  | { readonly kind: "wait"; readonly state: WaitingState; readonly millis: number };

/**
 * - `backing-off`: the relay is away, slow or busy.
 * - `denied`: the key is wrong or may not append to the feed.
 * - `misconfigured`: something answers that is not a relay, or that knows no such route.
 */
export type WaitingState = "backing-off" | "denied" | "misconfigured";

export interface RetryTimes {
  /** Full jitter: a random wait below this, then below twice that, and so on. */
  readonly firstMillis: number;
  readonly mostMillis: number;
  /** The shortest wait after a failure that a person must repair. */
  readonly repairMillis: number;
}

export const RETRY_TIMES: RetryTimes = { firstMillis: 200, mostMillis: 15_000, repairMillis: 15_000 };

/** A `Retry-After` beyond this is not believed. */
const LONGEST_RETRY_AFTER_MILLIS = 300_000;

const DENIED: ReadonlySet<number> = new Set([401, 403]);
const TOO_LARGE = 413;

/**
 * @param failures failed attempts at this batch, this one included
 * @param random in [0, 1)
 */
export function nextStep(
  error: unknown,
  {
    records,
    failures,
    random,
  }: { readonly records: number; readonly failures: number; readonly random: number },
  times: RetryTimes = RETRY_TIMES,
): NextStep {
  if (!(error instanceof RelayCallError)) return backOff(0);
  const { status, code, refused, retryable, retryAfterMillis = 0 } = error;
  if (status === 422 && refused.length === records) return { kind: "refused", refused };
  if (status === TOO_LARGE || (status === 400 && code.startsWith("body."))) return { kind: "split" };
  if (code === "producer.position-conflict") return { kind: "conflict" };
  if (retryable && code !== "answer.invalid") return backOff(retryAfterMillis);
  const state = status !== undefined && DENIED.has(status) ? "denied" : "misconfigured";
  return { kind: "wait", state, millis: times.repairMillis * (1 + random) };

  function backOff(atLeastMillis: number): NextStep {
    const most = Math.min(times.mostMillis, times.firstMillis * 2 ** (failures - 1));
    const asked = Math.min(atLeastMillis, LONGEST_RETRY_AFTER_MILLIS);
    // Many bridges wait for the same relay: its Retry-After must not bring them back all at once.
    return { kind: "wait", state: "backing-off", millis: asked + random * most };
  }
}
