import type { DeliveryOutcome } from "./outcome.ts";

/** No retry comes sooner: jitter alone could fall to nothing and turn a failing endpoint into a busy loop. */
export const RETRY_FLOOR_MILLIS = 1_000;
/** The longest wait after the first failure; it doubles with each further one. */
export const RETRY_BASE_MILLIS = 5_000;
/** No retry is later than this, unless the endpoint asks for it. */
export const RETRY_CAP_MILLIS = 3_600_000;
/** A session that has failed without a single success for so long is suspended: three days outlast a weekend. */
export const RETRY_WINDOW_MILLIS = 3 * 86_400_000;

export type RetryDecision =
  | { readonly kind: "backoff"; readonly dueAtEpochMillis: number }
  | { readonly kind: "suspend"; readonly reason: "gone" | "retries exhausted" };

/**
 * What follows a failed request: when to try again, or to stop until a person resumes the session.
 *
 * The wait is "full jitter" (AWS Architecture Blog, "Exponential Backoff and Jitter"): uniform below a
 * limit that doubles, so that sessions which failed together do not return together. A Retry-After is a
 * lower bound. Status 410 ends deliveries at once, as Standard Webhooks asks.
 *
 * @param facts.attempts failures in a row, this one included; at least 1.
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
