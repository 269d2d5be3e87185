/**
 * The relay's own metrics: which function records each, and in which unit. Functions and infrastructure share this
 * file, so that an alarm cannot look at a name that nobody records; it imports nothing.
 */
export const relayMetrics = {
  AppendedPages: { function: "ingest", unit: "Count" },
  AppendedEvents: { function: "ingest", unit: "Count" },
  /** Events that were not taken: no JSON, no Stasis event, or against what their producer sent before. */
  RefusedEvents: { function: "ingest", unit: "Count" },
  AppendTimeouts: { function: "ingest", unit: "Count" },
  /** Holes in a producer's positions: what it had and never handed in. */
  GapsBeforeIngest: { function: "ingest", unit: "Count" },
  /**
   * From the append of a request's last message to its acceptance, in the fast lane. A session in the slow lane
   * waits for its own endpoint; SlowestSessionLagSeconds tells of those.
   */
  AppendToDelivery: { function: "deliver", unit: "Milliseconds" },
  DeliveredMessages: { function: "deliver", unit: "Count" },
  /** Requests that were not accepted; each is tried again or ends in a suspension. */
  FailedAttempts: { function: "deliver", unit: "Count" },
  /** Times a session came to a number whose page DynamoDB had removed. */
  GapsExpired: { function: "deliver", unit: "Count" },
  /** Behind the tail, the furthest of a feed's sessions that are to be sent to. */
  SlowestSessionLagMessages: { function: "sweep", unit: "Count" },
  /** The age of the next message of that session. */
  SlowestSessionLagSeconds: { function: "sweep", unit: "Seconds" },
  /** Sessions of a feed that stand suspended now. */
  SuspendedSessions: { function: "sweep", unit: "Count" },
  /** Sessions that were moved forward because they lagged beyond the retention. */
  GapsRetention: { function: "sweep", unit: "Count" },
  /** Hints that were lost, or whose holder died. */
  RepairedWakes: { function: "sweep", unit: "Count" },
  FreedSegments: { function: "sweep", unit: "Count" },
  /** Segments whose reference count does not match the cursors. */
  AuditDifferences: { function: "sweep", unit: "Count" },
} as const satisfies Record<string, { function: string; unit: "Count" | "Milliseconds" | "Seconds" }>;

export type MetricName = keyof typeof relayMetrics;

/** Every metric has the first dimension; those of feeds that have metrics of their own come a second time with both. */
export const metricDimensions = { function: "service", feed: "feed" } as const;

/** Environment variables by which a function learns how to record. */
export const metricVariables = {
  /** The CloudWatch namespace; one per deployed relay, so that two in one account do not mix. */
  namespace: "RELAY_METRICS_NAMESPACE",
  /** Feeds that have metrics of their own, separated by commas, or * for all of them. */
  feeds: "RELAY_METRICS_FEEDS",
} as const;
