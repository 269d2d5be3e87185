import type { DeliveryOutcome } from "./outcome.ts";

/** What the system says when this process or machine has no descriptors, memory or local ports left. */
const EXHAUSTION_CODES = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL", "EAI_MEMORY"]);

/** Whether a call failed because the relay has too little of something, and not because of the other side. */
export function isExhaustion(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string" && EXHAUSTION_CODES.has(error.code)) return true;
  if (error instanceof AggregateError) return error.errors.some(isExhaustion);
  return error.cause !== undefined && isExhaustion(error.cause);
}

/** Outcomes of which the endpoint knows nothing. */
const OWN_REASONS = new Set(["aborted", "relay.exhausted"]);

/** Whether a request failed for a reason of the relay's own, so that it says nothing about the endpoint. */
export function isOwnFailure(outcome: Extract<DeliveryOutcome, { kind: "failed" }>): boolean {
  return OWN_REASONS.has(outcome.reason);
}
