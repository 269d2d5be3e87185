/*
 * The relay's tables, queues and secrets, and what each function does with them. The infrastructure creates tables,
 * queues, roles and environments from these lists. The local runner does the same on one machine, and the functions
 * find their tables and queues with them. Both CDK and Lambda load this file, so it imports nothing.
 *
 * `variable` is the environment variable that tells a function the name, URL or ARN of a resource.
 */

/** Every table has a string partition key `pk` and a string sort key `sk`; Sessions has `pk` alone. */
export const tables = {
  queue: {
    variable: "RELAY_QUEUE_TABLE",
    name: "stasis-relay-queue",
    partitionKey: "pk",
    sortKey: "sk",
    ttl: "expiresAtEpochSeconds",
  },
  cursors: {
    variable: "RELAY_CURSORS_TABLE",
    name: "stasis-relay-cursors",
    partitionKey: "pk",
    sortKey: "sk",
  },
  sessions: { variable: "RELAY_SESSIONS_TABLE", name: "stasis-relay-sessions", partitionKey: "pk" },
  /** Who may call. */
  keys: {
    variable: "RELAY_KEYS_TABLE",
    name: "stasis-relay-keys",
    partitionKey: "pk",
    sortKey: "sk",
  },
  /** What the endpoints of sessions answered. */
  attempts: {
    variable: "RELAY_ATTEMPTS_TABLE",
    name: "stasis-relay-attempts",
    partitionKey: "pk",
    sortKey: "sk",
    ttl: "expiresAtEpochSeconds",
  },
} as const satisfies Record<string, TableDefinition>;

export interface TableDefinition {
  readonly variable: string;
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey?: string;
  /** The attribute by which DynamoDB expires items. */
  readonly ttl?: string;
}

/**
 * Ingest is FIFO with the feed as `MessageGroupId`. The others carry hints. `slow` has the wakes of the slow lane and the delayed
 * wakes of groups.
 */
export const queues = {
  ingest: { variable: "RELAY_INGEST_QUEUE_URL", name: "stasis-relay-ingest.fifo", fifo: true },
  notify: { variable: "RELAY_NOTIFY_QUEUE_URL", name: "stasis-relay-notify", fifo: false },
  wake: { variable: "RELAY_WAKE_QUEUE_URL", name: "stasis-relay-wake", fifo: false },
  slow: { variable: "RELAY_SLOW_QUEUE_URL", name: "stasis-relay-slow", fifo: false },
} as const satisfies Record<string, QueueDefinition>;

export interface QueueDefinition {
  readonly variable: string;
  readonly name: string;
  readonly fifo: boolean;
}

/** The variables name resources in Secrets Manager and KMS. One machine has neither. */
export const secrets = {
  /** The management key of the HTTP API. On one machine, `plainVariable` holds the key itself. */
  apiKey: { variable: "RELAY_API_KEY_SECRET_ARN", plainVariable: "RELAY_API_KEY" },
  /** The KMS key that encrypts the secrets of webhooks and AMI users. Without a key they are stored unencrypted. */
  webhookSecrets: { variable: "RELAY_WEBHOOK_SECRET_KEY_ARN" },
} as const;

/** What the AMI gateway's process finds in its environment, beside its resources. */
export const gatewayVariables = {
  /** The name of the secret with its certificate and key. */
  certificate: "RELAY_GATEWAY_CERTIFICATE_SECRET",
  tlsPort: "AMI_TLS_PORT",
  httpsPort: "AMI_HTTPS_PORT",
  /** Absent or 0: not open. */
  plainPort: "AMI_PORT",
} as const;

/** Asterisk's own ports. */
export const gatewayPorts = { plain: 5038, tls: 5039, https: 8089 } as const;

export type TableName = keyof typeof tables;
export type QueueName = keyof typeof queues;
export type FunctionName = "ingest" | "notify" | "deliver" | "sweep" | "api";
/** What runs with a role of its own: the functions, and the AMI gateway where a stage has one. */
export type ServiceName = FunctionName | "gateway";

/** What a function may do with each table. infra/permissions.ts maps each right to actions and items. */
export interface TableRights {
  readonly queue:
    | "readHeads"
    | "listHeads"
    | "createFeeds"
    | "changeHeads"
    | "checkHeads"
    | "readPages"
    | "appendPages"
    | "readProducers"
    | "archiveProducers"
    | "countReferences"
    | "moveReferences"
    | "freeSegments"
    | "changeExpiry";
  readonly cursors:
    | "readCursors"
    | "readCursorsInBatches"
    | "listCursors"
    | "createCursors"
    | "changeCursors"
    | "removeCursors";
  readonly sessions:
    | "readSessions"
    | "readSessionsInBatches"
    | "listSessions"
    | "putSessions"
    | "removeSessions";
  readonly keys: "readKeys" | "listKeys" | "createKeys" | "removeKeys" | "recordKeyUse";
  readonly attempts: "putAttempts" | "listAttempts";
}

export interface SecretRights {
  readonly apiKey: "read";
  /** `seal`: those of all sessions. The other two open those of one kind. */
  readonly webhookSecrets: "seal" | "openWebhooks" | "openAmiUsers";
}

export interface FunctionResources {
  readonly tables: { readonly [Table in TableName]?: readonly TableRights[Table][] };
  readonly sendsTo: readonly QueueName[];
  readonly startedBy: readonly QueueName[];
  readonly secrets: { readonly [Secret in keyof SecretRights]?: SecretRights[Secret] };
}

/**
 * The resources that each function is given, and the rights of its role. Ingest does not know that sessions exist. It
 * reads keys and cannot change them: their last use is an item of its own.
 */
export const functions: Readonly<Record<FunctionName, FunctionResources>> = {
  ingest: {
    tables: {
      queue: ["readHeads", "createFeeds", "readPages", "appendPages", "readProducers", "archiveProducers"],
      keys: ["readKeys", "recordKeyUse"],
    },
    sendsTo: ["notify"],
    startedBy: ["ingest"],
    secrets: { apiKey: "read" },
  },
  notify: {
    tables: { queue: ["readHeads", "readPages"], cursors: ["listCursors", "changeCursors"] },
    sendsTo: ["wake", "slow"],
    startedBy: ["notify"],
    secrets: {},
  },
  deliver: {
    tables: {
      queue: ["readPages", "moveReferences"],
      cursors: ["readCursors", "changeCursors"],
      sessions: ["readSessions", "readSessionsInBatches"],
      attempts: ["putAttempts"],
    },
    sendsTo: ["wake", "slow"],
    startedBy: ["wake", "slow"],
    secrets: { webhookSecrets: "openWebhooks" },
  },
  sweep: {
    tables: {
      queue: [
        "readHeads",
        "listHeads",
        "changeHeads",
        "readPages",
        "checkHeads",
        "countReferences",
        "moveReferences",
        "freeSegments",
        "changeExpiry",
      ],
      // It packs the rows of single sessions into groups. A group that a transaction finds changed is read again.
      cursors: ["readCursors", "listCursors", "createCursors", "changeCursors", "removeCursors"],
      sessions: ["readSessions", "putSessions"],
    },
    sendsTo: ["wake", "slow"],
    // A schedule starts it.
    startedBy: [],
    secrets: {},
  },
  api: {
    tables: {
      queue: [
        "readHeads",
        "listHeads",
        "createFeeds",
        "changeHeads",
        "checkHeads",
        "readPages",
        "readProducers",
        "countReferences",
        "moveReferences",
      ],
      cursors: [
        "readCursors",
        "readCursorsInBatches",
        // The groups of a feed, of which a new session joins one.
        "listCursors",
        "createCursors",
        "changeCursors",
        "removeCursors",
      ],
      sessions: ["readSessions", "readSessionsInBatches", "listSessions", "putSessions", "removeSessions"],
      keys: ["readKeys", "listKeys", "createKeys", "removeKeys", "recordKeyUse"],
      attempts: ["listAttempts"],
    },
    sendsTo: ["wake", "slow"],
    // HTTP requests start it.
    startedBy: [],
    secrets: { apiKey: "read", webhookSecrets: "seal" },
  },
};

/** The resources of everything that has a role. The gateway moves positions, and cannot change what a person configures. */
export const services: Readonly<Record<ServiceName, FunctionResources>> = {
  ...functions,
  gateway: {
    tables: {
      queue: ["readHeads", "readPages", "moveReferences"],
      cursors: ["readCursors", "changeCursors"],
      sessions: ["readSessions"],
    },
    sendsTo: [],
    // It follows its feeds by itself.
    startedBy: [],
    secrets: { webhookSecrets: "openAmiUsers" },
  },
};

/** The names in one of the lists above, or in a function's selection from it. */
export function namesOf<Name extends string>(list: { readonly [Each in Name]?: unknown }): Name[] {
  return Object.keys(list) as Name[];
}

/** Creates something for each name in one of the lists above. */
export function forEachName<Name extends string, Value>(
  list: { readonly [Each in Name]: unknown },
  create: (name: Name) => Value,
): Record<Name, Value> {
  return Object.fromEntries(namesOf<Name>(list).map((name) => [name, create(name)])) as Record<Name, Value>;
}
