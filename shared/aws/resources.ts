/**
 * Names that the functions, the infrastructure and the local runner share: tables with their keys, queues,
 * and the environment variables that carry them. This file imports nothing, so that both sides may use it.
 */

/** Every table has a string partition key `pk` and a string sort key `sk`; Sessions has `pk` alone. */
export const tables = {
  queue: { name: "stasis-relay-queue", partitionKey: "pk", sortKey: "sk", ttl: "expiresAtEpochSeconds" },
  cursors: { name: "stasis-relay-cursors", partitionKey: "pk", sortKey: "sk" },
  sessions: { name: "stasis-relay-sessions", partitionKey: "pk" },
} as const;

/** Ingest is FIFO with `MessageGroupId` = feed; the others carry hints. `slow` is the lane of slow sessions. */
export const queues = {
  ingest: { name: "stasis-relay-ingest.fifo", fifo: true },
  notify: { name: "stasis-relay-notify", fifo: false },
  wake: { name: "stasis-relay-wake", fifo: false },
  slow: { name: "stasis-relay-slow", fifo: false },
} as const;

export type FunctionName = "ingest" | "notify" | "deliver" | "sweep" | "api";

/** Environment variables by which a function learns its resources. */
export const environmentNames = {
  queueTable: "RELAY_QUEUE_TABLE",
  cursorsTable: "RELAY_CURSORS_TABLE",
  sessionsTable: "RELAY_SESSIONS_TABLE",
  notifyQueueUrl: "RELAY_NOTIFY_QUEUE_URL",
  wakeQueueUrl: "RELAY_WAKE_QUEUE_URL",
  slowQueueUrl: "RELAY_SLOW_QUEUE_URL",
  /** The management key itself, on one machine; on AWS the secret that holds it. */
  apiKey: "RELAY_API_KEY",
  apiKeySecretArn: "RELAY_API_KEY_SECRET_ARN",
  /** The KMS key under which webhook secrets are stored; without one they are stored as they are. */
  webhookSecretKeyArn: "RELAY_WEBHOOK_SECRET_KEY_ARN",
} as const;
