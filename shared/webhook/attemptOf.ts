import type { Attempt } from "../sessions/attempt.ts";
import type { DeliveryOutcome } from "./outcome.ts";

/** The entry for one request. */
export function attemptOf(
  outcome: DeliveryOutcome,
  request: Pick<Attempt, "batch" | "first" | "last" | "messages" | "gap" | "test">,
  atEpochMillis: number,
): Attempt {
  const { kind, status, durationMillis } = outcome;
  return {
    outcome: kind,
    status,
    ...(outcome.kind === "failed" ? { reason: outcome.reason, detail: outcome.detail } : {}),
    sinceEpochMillis: atEpochMillis,
    atEpochMillis,
    durationMillis: Math.round(durationMillis),
    requests: 1,
    ...request,
  };
}
