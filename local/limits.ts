/** What AWS is told about each function and its queue, in the numbers that suit one machine. */
export interface FunctionLimits {
  /** Records in one invocation. */
  readonly batchSize: number;
  /** Invocations at the same time. */
  readonly maximumConcurrency: number;
  readonly functionTimeoutSeconds: number;
  /**
   * AWS advises six times the function's timeout, which leaves room for its own retries of throttled invocations.
   * Here nothing is throttled, and the margin is what a killed relay waits after its restart until a message that
   * was in work returns. So it is just longer than the function may run.
   */
  readonly visibilityTimeoutSeconds: number;
}

export type QueueName = "ingest" | "notify" | "wake" | "slow";

export const queueLimits: Readonly<Record<QueueName, FunctionLimits>> = {
  ingest: { batchSize: 10, maximumConcurrency: 5, functionTimeoutSeconds: 30, visibilityTimeoutSeconds: 35 },
  notify: { batchSize: 10, maximumConcurrency: 2, functionTimeoutSeconds: 30, visibilityTimeoutSeconds: 35 },
  // Twice as many places (20 × 10) as sessions that the relay is measured with: invocations are rarely full.
  wake: { batchSize: 10, maximumConcurrency: 20, functionTimeoutSeconds: 60, visibilityTimeoutSeconds: 65 },
  // The lane of slow sessions: a small share of the machine, so that they cannot crowd out the others.
  slow: { batchSize: 5, maximumConcurrency: 5, functionTimeoutSeconds: 60, visibilityTimeoutSeconds: 65 },
};

export const sweepTimeoutSeconds = 60;

/** What API Gateway's HTTP API allows a function, at most. */
export const httpTimeoutSeconds = 30;

/** The largest request body that API Gateway passes on. */
export const httpBodyLimitBytes = 10 * 1024 * 1024;
