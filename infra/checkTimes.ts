import {
  httpTimeoutSeconds,
  queueLimits,
  sweepIntervalSeconds,
  sweepTimeoutSeconds,
} from "../shared/aws/limits.ts";
import { SettingsError } from "../shared/errors.ts";
import type { Settings } from "../shared/runtime/settings.ts";

/** For the reads and writes around a turn's last request: one of them may take the SDK's four attempts of 5 s. */
const DELIVER_SPARE_MILLIS = 20_000;

/**
 * Compares the time limits on AWS with each other before anything is deployed. `assertRelations` asserts that the lease
 * outlasts a request and the grace outlasts an append, wherever settings are read.
 * @throws SettingsError when a function could time out in the middle of work that its settings allow
 */
export function checkTimes(settings: Settings): void {
  const { turnMillis, requestTimeoutMillis, lingerMillis, gatherMillis, appendTimeoutMillis } = settings;
  const deliverMillis = turnMillis + requestTimeoutMillis + lingerMillis + DELIVER_SPARE_MILLIS;
  for (const lane of ["wake", "slow"] as const)
    if (queueLimits[lane].functionTimeoutSeconds * 1000 < deliverMillis)
      throw new SettingsError(
        "RELAY_REQUEST_TIMEOUT_SECONDS",
        `a turn and its last request (${deliverMillis} ms) must end within the function's timeout`,
      );
  for (const timeoutSeconds of [httpTimeoutSeconds, queueLimits.ingest.functionTimeoutSeconds])
    if (timeoutSeconds * 1000 <= gatherMillis + appendTimeoutMillis)
      throw new SettingsError("RELAY_FREE_GRACE_SECONDS", "an append must end within the function's timeout");
  // AWS may freeze a function in the middle of an append. The append must not continue after its number was freed.
  // Twice, for the reason given at `assertRelations`: the put that closed the segment may have been frozen as well.
  const longestIngestMillis = 2 * queueLimits.ingest.functionTimeoutSeconds * 1000 + settings.tailCacheMillis;
  if (settings.freeGraceMillis <= longestIngestMillis)
    throw new SettingsError(
      "RELAY_FREE_GRACE_SECONDS",
      `on AWS the grace must exceed two invocations of ingest and the age of a cached tail (${longestIngestMillis} ms)`,
    );
  for (const [name, { functionTimeoutSeconds, visibilityTimeoutSeconds }] of Object.entries(queueLimits))
    if (visibilityTimeoutSeconds < functionTimeoutSeconds)
      throw new SettingsError(
        name,
        "AWS requires that a message stays hidden for at least the function's timeout",
      );
  if (sweepTimeoutSeconds >= sweepIntervalSeconds)
    throw new SettingsError("sweep", "a sweep must end before the next one begins");
}
