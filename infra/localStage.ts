import type { RelayStage } from "./stages.ts";

/** An environment variable of the same name overrides each of these. */
const defaults: Readonly<Record<string, string>> = {
  // Webhooks run on the local cloud's machine.
  RELAY_ALLOWED_ADDRESS_RANGES: "127.0.0.0/8,::1/128",
  RELAY_ALLOW_HTTP: "1",
  // Small segments, and a grace about as short as infra/checkTimes.ts allows, so that freeing can be watched.
  RELAY_SEGMENT_SIZE: "100",
  RELAY_FREE_GRACE_SECONDS: "75",
  RELAY_CURSOR_GROUPS: "1",
};

/** The relay on a local cloud. */
export const local: RelayStage = {
  name: "local",
  keepsData: false,
  logRetentionDays: 1,
  // One machine carries the local cloud, the functions and their callers.
  maximumConcurrency: { ingest: 2, notify: 2, wake: 4, slow: 2 },
  tracedFunctions: [],
  requestsPerSecond: 1_000,
  requestBurst: 2_000,
  settings: Object.fromEntries(
    Object.entries(defaults).map(([variable, value]) => [variable, process.env[variable] ?? value]),
  ),
};
