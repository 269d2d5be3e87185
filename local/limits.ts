import { queueLimits } from "../shared/aws/limits.ts";
import type { QueueName } from "../shared/aws/resources.ts";

/** Invocations at the same time, in the numbers that suit one machine. */
export const maximumConcurrency: Readonly<Record<QueueName, number>> = {
  ingest: 5,
  notify: 2,
  // Twice as many places (20 × 10) as sessions that the relay is measured with: invocations are rarely full.
  wake: 20,
  // The lane of slow sessions: a small share of the machine, so that they cannot crowd out the others.
  slow: 5,
};

/**
 * On AWS there is room for Lambda's own retries of throttled invocations. Here nothing is throttled, and the margin
 * is what a killed relay waits after its restart until a message that was in work returns. So it is just longer than
 * the function may run.
 */
export function visibilityTimeoutSeconds(queue: QueueName): number {
  return queueLimits[queue].functionTimeoutSeconds + 5;
}
