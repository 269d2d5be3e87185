/**
 * The relay's own metrics, each with the function that records it and its unit. Functions and infrastructure share this
 * file, so no alarm can watch a metric that nobody records. It imports nothing.
 */
export const relayMetrics = {
  AppendedPages: { function: "ingest", unit: "Count" },
  AppendedEvents: { function: "ingest", unit: "Count" },
  /** Events that are not JSON, are not Stasis events, or contradict the producer's earlier positions. */
  RefusedEvents: { function: "ingest", unit: "Count" },
  AppendTimeouts: { function: "ingest", unit: "Count" },
  /** Holes in a producer's positions: events that the producer had but never sent. */
  GapsBeforeIngest: { function: "ingest", unit: "Count" },
  /**
   * Time from the append of a request's last message to its acceptance, in the fast lane. A session in the slow lane
   * waits for its own endpoint; SlowestSessionLagSeconds covers those.
   */
  AppendToDelivery: { function: "deliver", unit: "Milliseconds" },
  DeliveredMessages: { function: "deliver", unit: "Count" },
  /** Requests that were not accepted. Each is retried or ends in a suspension. */
  FailedAttempts: { function: "deliver", unit: "Count" },
  /** Times a session reached a number whose page had expired. */
  GapsExpired: { function: "deliver", unit: "Count" },
  /** Messages that the slowest running session of a feed is behind the tail. */
  SlowestSessionLagMessages: { function: "sweep", unit: "Count" },
  /** The age of the next message of that session. */
  SlowestSessionLagSeconds: { function: "sweep", unit: "Seconds" },
  /** Sessions of a feed that are suspended now, and groups that cannot be read. */
  SuspendedSessions: { function: "sweep", unit: "Count" },
  /** Sessions that were evicted because they lagged beyond the retention. */
  GapsRetention: { function: "sweep", unit: "Count" },
  /** Wakes that the sweep sent because a hint was lost or a holder died. */
  RepairedWakes: { function: "sweep", unit: "Count" },
  FreedSegments: { function: "sweep", unit: "Count" },
  /** Segments whose reference count does not match the cursors. */
  AuditDifferences: { function: "sweep", unit: "Count" },
} as const satisfies Record<string, { function: string; unit: "Count" | "Milliseconds" | "Seconds" }>;

export type MetricName = keyof typeof relayMetrics;

/** The metrics of the AMI gateway's tasks, in the same namespace, each recorded once a minute by each task. */
export const gatewayMetrics = {
  /** Connections that are open, over TCP and TLS. */
  GatewayConnections: "Count",
  /** Days until the certificate expires. */
  GatewayCertificateDays: "Count",
} as const;

export type GatewayMetricName = keyof typeof gatewayMetrics;

/** Every metric has the first dimension. For feeds with separate metrics, it is recorded again with both. */
export const metricDimensions = { function: "service", feed: "feed" } as const;

/** Environment variables that configure the recording. */
export const metricVariables = {
  /** The CloudWatch namespace. Each deployed relay has its own, so two relays in one account do not mix. */
  namespace: "RELAY_METRICS_NAMESPACE",
  /** Feeds with separate metrics, separated by commas, or * for all feeds. */
  feeds: "RELAY_METRICS_FEEDS",
} as const;
