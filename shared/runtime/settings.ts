import { SettingsError } from "../errors.ts";

/** Environment variables by name; on AWS `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

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
  /** Safety net: this long after its append, DynamoDB deletes a page by itself. */
  readonly pageTtlMillis: number;
  /** A writer reads the tail again when its cached tail is older than this. */
  readonly tailCacheMillis: number;
  /** An append times out after this. None of its writes may start later. */
  readonly appendTimeoutMillis: number;
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
  /** Non-public CIDR ranges that webhooks may reach. */
  readonly allowedAddressRanges: readonly string[];
  /** Whether a webhook URL may be plain `http:`. */
  readonly allowHttp: boolean;
}

const DAY_MILLIS = 86_400_000;

function numberOf(environment: Environment, name: string, fallback: number, minimum: number): number {
  const text = environment[name];
  if (text === undefined || text.trim() === "") return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < minimum)
    throw new SettingsError(name, `must be a number of at least ${minimum}, not "${text}"`);
  return value;
}

/**
 * Reads the settings from the environment and asserts the relations between them.
 * @throws SettingsError when a value is malformed or breaks a relation that safety depends on
 */
export function readSettings(environment: Environment): Settings {
  const freeGraceMillis = numberOf(environment, "RELAY_FREE_GRACE_SECONDS", 120, 0.1) * 1000;
  const retentionMillis =
    numberOf(environment, "RELAY_RETENTION_SECONDS", (7 * DAY_MILLIS) / 1000, 0.1) * 1000;
  const requestTimeoutMillis = numberOf(environment, "RELAY_REQUEST_TIMEOUT_SECONDS", 15, 0.1) * 1000;
  const lingerMillis = numberOf(environment, "RELAY_LINGER_SECONDS", 0.5, 0) * 1000;
  const segmentSize = numberOf(environment, "RELAY_SEGMENT_SIZE", 5000, 1);
  if (!Number.isInteger(segmentSize)) throw new SettingsError("RELAY_SEGMENT_SIZE", "must be a whole number");

  return assertRelations({
    segmentSize,
    freeGraceMillis,
    retentionMillis,
    retentionMessages: numberOf(environment, "RELAY_RETENTION_MESSAGES", 50_000_000, 1),
    pageTtlMillis: 4 * retentionMillis + 30 * DAY_MILLIS,
    tailCacheMillis: Math.min(10_000, freeGraceMillis / 8),
    appendTimeoutMillis: Math.min(20_000, 0.4 * freeGraceMillis),
    requestTimeoutMillis,
    fastRequestTimeoutMillis: Math.min(3_000, requestTimeoutMillis),
    leaseMillis: requestTimeoutMillis + lingerMillis + 5_000,
    turnMillis: 10_000,
    lingerMillis,
    hintGraceMillis: 5_000,
    secretOverlapMillis: numberOf(environment, "RELAY_SECRET_OVERLAP_SECONDS", DAY_MILLIS / 1000, 0) * 1000,
    allowedAddressRanges: (environment.RELAY_ALLOWED_ADDRESS_RANGES ?? "")
      .split(",")
      .map((range) => range.trim())
      .filter((range) => range !== ""),
    allowHttp: environment.RELAY_ALLOW_HTTP === "1" || environment.RELAY_ALLOW_HTTP === "true",
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
  return settings;
}

/** The value of a required variable. */
export function requireVariable(environment: Environment, name: string): string {
  const value = environment[name];
  if (value === undefined || value === "") throw new SettingsError(name, "is not set");
  return value;
}
