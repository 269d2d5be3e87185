import type { QueueName } from "./resources.ts";

/*
 * Limits that AWS, the functions and the local runner must agree on. Where AWS and one machine differ, this file holds
 * the value for AWS and `local/limits.ts` the other.
 */

export interface QueueLimits {
  /** Records in one invocation. */
  readonly batchSize: number;
  readonly functionTimeoutSeconds: number;
  /** How long a message in flight is hidden. AWS demands at least the function's timeout. */
  readonly visibilityTimeoutSeconds: number;
  /** After this many receives a message goes to the dead-letter queue. */
  readonly maximumReceives: number;
  readonly retentionSeconds: number;
}

const DAY_SECONDS = 86_400;

/** A turn and the request that it may start at its very end, with room for slow responses from DynamoDB. */
const DELIVER_TIMEOUT_SECONDS = 60;

const NOTIFY_TIMEOUT_SECONDS = 30;

/**
 * AWS advises six times the function's timeout, so that a batch that Lambda throttles is not received twice. The long
 * wait after a crash does not delay hints: the sweep sees the row and sends another hint within a minute.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 */
const hints = { visibilityPerTimeout: 6, maximumReceives: 5, retentionSeconds: DAY_SECONDS };

function hintQueue(batchSize: number, functionTimeoutSeconds: number): QueueLimits {
  return {
    batchSize,
    functionTimeoutSeconds,
    visibilityTimeoutSeconds: functionTimeoutSeconds * hints.visibilityPerTimeout,
    maximumReceives: hints.maximumReceives,
    retentionSeconds: hints.retentionSeconds,
  };
}

/** API Gateway's HTTP API waits no longer for a function. */
export const httpTimeoutSeconds = 30;

/** The largest request body that API Gateway passes on. */
export const httpBodyLimitBytes = 10 * 1024 * 1024;

export const queueLimits: Readonly<Record<QueueName, QueueLimits>> = {
  /*
   * These messages are data, not hints. A feed's group is blocked while a failed batch is hidden, so the batch is
   * redelivered after twice the timeout instead of six times. A redelivered batch is recognised by its message ids.
   * Only a fault of AWS or of the relay fails a batch, and a dead letter would leave a hole in the feed. So the batch is
   * retried for three hours, longer than most outages.
   */
  ingest: {
    batchSize: 10,
    functionTimeoutSeconds: httpTimeoutSeconds,
    visibilityTimeoutSeconds: 2 * httpTimeoutSeconds,
    maximumReceives: 180,
    retentionSeconds: 14 * DAY_SECONDS,
  },
  notify: hintQueue(10, NOTIFY_TIMEOUT_SECONDS),
  // A wake may be for four groups: twenty of them are 640 sessions, whose requests share an invocation's CPU.
  wake: hintQueue(5, DELIVER_TIMEOUT_SECONDS),
  // Smaller batches for slow sessions, because a batch takes as long as its slowest session.
  slow: hintQueue(5, DELIVER_TIMEOUT_SECONDS),
};

export const sweepIntervalSeconds = 60;

/** Below the interval, so that sweeps do not overlap. If EventBridge starts one twice, every write is conditional. */
export const sweepTimeoutSeconds = 55;
