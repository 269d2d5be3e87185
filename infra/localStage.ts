import type { RelayStage } from "./stages.ts";

/** Each may be given another value by the variable of its name. */
const defaults: Readonly<Record<string, string>> = {
  // Webhooks run beside the local cloud.
  RELAY_ALLOWED_ADDRESS_RANGES: "127.0.0.0/8,::1/128",
  RELAY_ALLOW_HTTP: "1",
  // Small, and about as short as infra/checkTimes.ts allows, so that freeing can be watched.
  RELAY_SEGMENT_SIZE: "100",
  RELAY_FREE_GRACE_SECONDS: "75",
};

/** The relay on a local cloud. */
export const local: RelayStage = {
  name: "local",
  keepsData: false,
  logRetentionDays: 1,
  // One machine carries the local cloud, the functions and their callers.
  maximumConcurrency: { ingest: 2, notify: 2, wake: 4, slow: 2 },
  requestsPerSecond: 1_000,
  requestBurst: 2_000,
  settings: Object.fromEntries(
    Object.entries(defaults).map(([variable, value]) => [variable, process.env[variable] ?? value]),
  ),
};
