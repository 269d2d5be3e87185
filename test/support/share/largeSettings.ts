import fc from "fast-check";

/** Settings near their bounds. Those that set how often something happens are among them. */
export const largeSettings: fc.Arbitrary<Record<string, string>> = fc.record({
  RELAY_SEGMENT_SIZE: fc.constantFrom("1", "7", "5000", "1000000"),
  RELAY_FREE_GRACE_SECONDS: fc.constantFrom("0.1", "30", "604800"),
  RELAY_RETENTION_SECONDS: fc.constantFrom("0.1", "604800", "315360000"),
  RELAY_RETENTION_MESSAGES: fc.constantFrom("1", "50000000", "1000000000000"),
  RELAY_REQUEST_TIMEOUT_SECONDS: fc.constantFrom("0.1", "15", "60"),
  RELAY_LINGER_SECONDS: fc.constantFrom("0", "0.5", "10"),
  RELAY_SWEEP_SECONDS: fc.constantFrom("0.1", "5", "86400"),
  RELAY_METRICS_FEEDS: fc.constantFrom("", "*"),
});
