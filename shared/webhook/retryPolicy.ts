import type { DeliveryOutcome } from "./outcome.ts";

/** The shortest wait: jitter alone could be near zero and retry a failing endpoint in a busy loop. */
export const RETRY_FLOOR_MILLIS = 1_000;
/** The longest wait after the first failure. It doubles with each further failure. */
export const RETRY_BASE_MILLIS = 5_000;
/** The longest wait, unless the endpoint asks for a longer one. */
export const RETRY_CAP_MILLIS = 3_600_000;
/** A session that fails for this long without a success is suspended. Three days outlast a weekend. */
export const RETRY_WINDOW_MILLIS = 3 * 86_400_000;

export type RetryDecision =
  | { readonly kind: "backoff"; readonly dueAtEpochMillis: number }
  | { readonly kind: "suspend"; readonly reason: "gone" | "retries exhausted" };

/**
 * Decides after a failed request when to retry, or to suspend the session until a person resumes it.
 *
 * The wait is "full jitter" (AWS Architecture Blog, "Exponential Backoff and Jitter"): uniform below a doubling limit,
 * so that sessions that failed together are not retried together. A Retry-After is a lower bound. Status 410 suspends
 * the session at once, as Standard Webhooks asks.
 *
 * @param facts.attempts failures in a row, including this one; at least 1.
 * @param facts.failingSinceEpochMillis when the first of them happened.
 * @param facts.random uniform in [0, 1).
 */
export function afterFailure(facts: {
  readonly outcome: Extract<DeliveryOutcome, { kind: "failed" }>;
  readonly attempts: number;
  readonly failingSinceEpochMillis: number;
  readonly nowEpochMillis: number;
  readonly random: () => number;
}): RetryDecision {
  const { outcome, attempts, failingSinceEpochMillis, nowEpochMillis, random } = facts;
  if (outcome.status === 410) return { kind: "suspend", reason: "gone" };
  if (nowEpochMillis - failingSinceEpochMillis >= RETRY_WINDOW_MILLIS)
    return { kind: "suspend", reason: "retries exhausted" };

  const limit = Math.min(RETRY_CAP_MILLIS, RETRY_BASE_MILLIS * 2 ** (attempts - 1));
  const jittered = RETRY_FLOOR_MILLIS + Math.floor(random() * (limit - RETRY_FLOOR_MILLIS));
  const delayMillis = Math.max(jittered, outcome.retryAfterMillis ?? 0);
  return { kind: "backoff", dueAtEpochMillis: nowEpochMillis + delayMillis };
}
