import { SettingsError } from "../errors.ts";
import { booleanIn, type Environment, listIn, type NumberRule, numberIn, wordIn } from "./settingValues.ts";

export type { Environment } from "./settingValues.ts";

/**
 * What becomes of the pages of a freed segment. `at-once`: the sweep deletes them. `expire`: they are left to expire.
 * The first one is the default (docs/decisions/0018-freed-pages-are-deleted.md).
 */
export const FREEINGS = ["at-once", "expire"] as const;

/** The operator's settings and the limits that follow from them. Units are in the names. */
export interface Settings {
  /** Sequence numbers per segment for new feeds. An existing feed keeps its size. */
  readonly segmentSize: number;
  /** A segment is freed only when its last page is older than this. */
  readonly freeGraceMillis: number;
  /** A session that lags more than this is evicted, and the gap is reported to it. */
  readonly retentionMillis: number;
  /** The same limit in messages. */
  readonly retentionMessages: number;
  /** What becomes of the pages of a freed segment. */
  readonly freeing: (typeof FREEINGS)[number];
  /** This long after its append, a page expires. A safety net if the sweep deletes what is freed. */
  readonly pageTtlMillis: number;
  /** The same for the last page of a feed that has gone quiet. It remembers the feed's end and its producers. */
  readonly lastPageTtlMillis: number;
  /** A writer reads the tail again when its cached tail is older than this. */
  readonly tailCacheMillis: number;
  /** An append times out after this. None of its writes may start later. */
  readonly appendTimeoutMillis: number;
  /** How long an append waits for others to share its page with; 0: only while one is in flight. */
  readonly gatherMillis: number;
  /** The timeout of one HTTP request to an endpoint, from name resolution to the response headers. */
  readonly requestTimeoutMillis: number;
  /** The timeout in the fast lane. After it, the slow lane sends the request once more. */
  readonly fastRequestTimeoutMillis: number;
  /** A lease expires after this. It is longer than any request plus the lingering. */
  readonly leaseMillis: number;
  /** A deliver turn starts no batch after this, so that the function ends in time. */
  readonly turnMillis: number;
  /** How long a turn at the end of the queue waits for the next page before it parks. */
  readonly lingerMillis: number;
  /** The sweep does not take a hint for lost until it is older than this. */
  readonly hintGraceMillis: number;
  /** How long after a rotation the old webhook secret still signs and the old management key is still accepted. */
  readonly secretOverlapMillis: number;
  /** The successes of a session within this time become one entry in the record of its attempts. */
  readonly attemptIntervalMillis: number;
  /** Non-public CIDR ranges that webhooks may reach. */
  readonly allowedAddressRanges: readonly string[];
  /** Whether a webhook URL may be plain `http:`. */
  readonly allowHttp: boolean;
  /**
   * Whether new webhook sessions join cursor groups, and the sweep packs the rows of others into groups. Off for the first
   * deployment over a release without groups (docs/operating.md), which cannot serve them.
   */
  readonly cursorGroups: boolean;
}

const DAY_MILLIS = 86_400_000;

/**
 * What a page outlives the retention by when freed pages are left to expire. The sweep moves lagging sessions and says
 * where the feed's end is; it may fail for so long before pages go that are needed.
 */
const EXPIRY_SPARE_MILLIS = 7 * DAY_MILLIS;

/**
 * The bounds of every number, and its unit. The upper ones are far beyond what helps anyone; beyond them timers overflow
 * (at 24.8 days) or a lease outlives the function that holds it.
 */
const BOUNDS = {
  RELAY_SEGMENT_SIZE: { least: 1, most: 1_000_000, unit: "messages", isWhole: true },
  RELAY_FREE_GRACE_SECONDS: { least: 0.1, most: 7 * 86_400, unit: "seconds" },
  RELAY_RETENTION_SECONDS: { least: 0.1, most: 3_650 * 86_400, unit: "seconds" },
  RELAY_RETENTION_MESSAGES: { least: 1, most: 1_000_000_000_000, unit: "messages", isWhole: true },
  RELAY_GATHER_SECONDS: { least: 0, most: 5, unit: "seconds" },
  RELAY_REQUEST_TIMEOUT_SECONDS: { least: 0.1, most: 60, unit: "seconds" },
  RELAY_LINGER_SECONDS: { least: 0, most: 10, unit: "seconds" },
  RELAY_SECRET_OVERLAP_SECONDS: { least: 0, most: 30 * 86_400, unit: "seconds" },
  RELAY_ATTEMPT_SECONDS: { least: 0, most: 3_600, unit: "seconds" },
} as const satisfies Readonly<Record<string, NumberRule>>;

/** What the lease outlasts a request and the lingering by. */
const LEASE_SPARE_MILLIS = 5_000;

/** No lease is longer, whatever the settings of the process that took it. */
export const LONGEST_LEASE_MILLIS =
  (BOUNDS.RELAY_REQUEST_TIMEOUT_SECONDS.most + BOUNDS.RELAY_LINGER_SECONDS.most) * 1000 + LEASE_SPARE_MILLIS;

/** The variables that `readSettings` reads. */
export const SETTING_NAMES: readonly string[] = [
  ...Object.keys(BOUNDS),
  "RELAY_FREEING",
  "RELAY_ALLOWED_ADDRESS_RANGES",
  "RELAY_ALLOW_HTTP",
  "RELAY_CURSOR_GROUPS",
];

/**
 * Reads the settings from the environment and asserts the relations between them.
 * @throws SettingsError when a value is malformed or breaks a relation that safety depends on
 */
export function readSettings(environment: Environment): Settings {
  const number = (name: keyof typeof BOUNDS, fallback: number) =>
    numberIn(environment, name, fallback, BOUNDS[name]);
  const millis = (name: keyof typeof BOUNDS, fallbackSeconds: number) => number(name, fallbackSeconds) * 1000;
  const freeGraceMillis = millis("RELAY_FREE_GRACE_SECONDS", 120);
  const retentionMillis = millis("RELAY_RETENTION_SECONDS", (7 * DAY_MILLIS) / 1000);
  const freeing = wordIn(environment, "RELAY_FREEING", FREEINGS);
  const lastPageTtlMillis = 4 * retentionMillis + 30 * DAY_MILLIS;
  const requestTimeoutMillis = millis("RELAY_REQUEST_TIMEOUT_SECONDS", 15);
  const lingerMillis = millis("RELAY_LINGER_SECONDS", 0.5);

  return assertRelations({
    segmentSize: number("RELAY_SEGMENT_SIZE", 5000),
    freeGraceMillis,
    retentionMillis,
    retentionMessages: number("RELAY_RETENTION_MESSAGES", 50_000_000),
    freeing,
    pageTtlMillis: freeing === "expire" ? retentionMillis + EXPIRY_SPARE_MILLIS : lastPageTtlMillis,
    lastPageTtlMillis,
    tailCacheMillis: Math.min(10_000, freeGraceMillis / 8),
    appendTimeoutMillis: Math.min(20_000, 0.4 * freeGraceMillis),
    gatherMillis: millis("RELAY_GATHER_SECONDS", 0),
    requestTimeoutMillis,
    fastRequestTimeoutMillis: Math.min(3_000, requestTimeoutMillis),
    leaseMillis: requestTimeoutMillis + lingerMillis + LEASE_SPARE_MILLIS,
    turnMillis: 10_000,
    lingerMillis,
    hintGraceMillis: 5_000,
    secretOverlapMillis: millis("RELAY_SECRET_OVERLAP_SECONDS", DAY_MILLIS / 1000),
    attemptIntervalMillis: millis("RELAY_ATTEMPT_SECONDS", 60),
    allowedAddressRanges: listIn(environment, "RELAY_ALLOWED_ADDRESS_RANGES"),
    allowHttp: booleanIn(environment, "RELAY_ALLOW_HTTP", false),
    cursorGroups: booleanIn(environment, "RELAY_CURSOR_GROUPS", true),
  });
}

/**
 * Asserts the relations that the protocol's safety rests on. DynamoDB would accept a put on a freed number again, so no
 * writer may still act on a tail that it read before the segment was freed.
 */
export function assertRelations(settings: Settings): Settings {
  // Two appends: a page's age counts from its planning. The put that closed the segment may have been in flight for one
  // append. Just before it arrived, another writer may have read the tail, and its put may be in flight for another.
  if (settings.freeGraceMillis <= settings.tailCacheMillis + 2 * settings.appendTimeoutMillis)
    throw new SettingsError(
      "RELAY_FREE_GRACE_SECONDS",
      `the grace (${settings.freeGraceMillis} ms) must exceed the age of a cached tail (${settings.tailCacheMillis} ms) plus the two longest appends (${settings.appendTimeoutMillis} ms each)`,
    );
  if (settings.leaseMillis <= settings.requestTimeoutMillis + settings.lingerMillis)
    throw new SettingsError(
      "RELAY_REQUEST_TIMEOUT_SECONDS",
      "the lease must outlast a request and the lingering",
    );
  if (settings.pageTtlMillis <= settings.retentionMillis)
    throw new SettingsError("RELAY_RETENTION_SECONDS", "the pages' time to live must exceed the retention");
  // Otherwise a page could expire while a writer may still act on a tail from before it was appended.
  if (settings.pageTtlMillis <= settings.freeGraceMillis)
    throw new SettingsError("RELAY_FREE_GRACE_SECONDS", "the pages' time to live must exceed the grace");
  return settings;
}

/** The value of a required variable. */
export function requireVariable(environment: Environment, name: string): string {
  const value = environment[name];
  if (value === undefined || value === "") throw new SettingsError(name, "is not set");
  return value;
}
