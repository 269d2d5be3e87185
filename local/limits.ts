import { queueLimits } from "../shared/aws/limits.ts";
import type { QueueName } from "../shared/aws/resources.ts";

/** Concurrent invocations per queue, as many as suit one machine. */
export const maximumConcurrency: Readonly<Record<QueueName, number>> = {
  ingest: 5,
  notify: 2,
  // Twice as many places (20 × 10) as the benchmark has sessions, because invocations are rarely full.
  wake: 20,
  // A small share of the machine, so that slow sessions cannot crowd out the others.
  slow: 5,
};

/**
 * How long each queue's messages may gather behind the first ones. Most hints of a busy feed find all its sessions awake,
 * and several cost as much as one. A wake is not kept waiting.
 */
export const gatherMillis: Readonly<Record<QueueName, number>> = { ingest: 0, notify: 20, wake: 0, slow: 0 };

/**
 * On AWS it leaves room for Lambda's retries of throttled invocations. Here nothing is throttled, and after a restart a
 * killed relay waits this long until a message that was in flight is redelivered. So it is just longer than the function
 * may run.
 */
export function visibilityTimeoutSeconds(queue: QueueName): number {
  return queueLimits[queue].functionTimeoutSeconds + 5;
}
