import { describe, expect, it } from "vitest";
import {
  functionEnvironment,
  portOf,
  sweepIntervalMillis,
  withLocalDefaults,
} from "../../local/relayEnvironment.ts";
import { readSettings } from "../../shared/runtime/settings.ts";

const provisioned = {
  tableNames: { queue: "queue-table", cursors: "cursors-table", sessions: "sessions-table" },
  queues: {
    ingest: { url: "ingest-url", arn: "" },
    notify: { url: "notify-url", arn: "" },
    wake: { url: "wake-url", arn: "" },
    slow: { url: "slow-url", arn: "" },
  },
};
const connection = { AWS_REGION: "us-east-1" };

describe("the environment of a function", () => {
  const operator = withLocalDefaults({
    RELAY_SEGMENT_SIZE: "7",
    HOME: "/home/operator",
    RELAY_CURSORS_TABLE: "forged",
  });

  it("has no tables of cursors and sessions for ingest", () => {
    const environment = functionEnvironment("ingest", operator, connection, provisioned);
    expect(environment).toMatchObject({
      RELAY_QUEUE_TABLE: "queue-table",
      RELAY_NOTIFY_QUEUE_URL: "notify-url",
      RELAY_API_KEY: "local",
      RELAY_SEGMENT_SIZE: "7",
      AWS_REGION: "us-east-1",
    });
    for (const name of ["RELAY_CURSORS_TABLE", "RELAY_SESSIONS_TABLE", "RELAY_WAKE_QUEUE_URL", "HOME"])
      expect(environment).not.toHaveProperty(name);
  });

  it("has the API key only for functions that answer callers", () => {
    for (const name of ["notify", "deliver", "sweep"] as const)
      expect(functionEnvironment(name, operator, connection, provisioned)).not.toHaveProperty(
        "RELAY_API_KEY",
      );
    expect(functionEnvironment("api", operator, connection, provisioned)).toMatchObject({
      RELAY_API_KEY: "local",
      RELAY_CURSORS_TABLE: "cursors-table",
      RELAY_SLOW_QUEUE_URL: "slow-url",
    });
  });
});

describe("the local defaults", () => {
  it("are consistent, and allow webhooks to this machine", () => {
    const environment = withLocalDefaults({});
    expect(readSettings(environment)).toMatchObject({
      allowHttp: true,
      allowedAddressRanges: ["127.0.0.0/8", "::1/128"],
      freeGraceMillis: 30_000,
    });
    expect(sweepIntervalMillis(environment)).toBe(5_000);
    expect(portOf(environment)).toBe(8080);
  });

  it("are overridden by the operator's settings", () => {
    const environment = withLocalDefaults({
      RELAY_ALLOWED_ADDRESS_RANGES: "",
      RELAY_SWEEP_SECONDS: "0.5",
      PORT: "0",
    });
    expect(readSettings(environment).allowedAddressRanges).toEqual([]);
    expect(sweepIntervalMillis(environment)).toBe(500);
    expect(portOf(environment)).toBe(0);
  });

  it("refuse a value that is not a number, and name the setting", () => {
    expect(() => portOf({ PORT: "http" })).toThrow(/PORT/);
    expect(() => sweepIntervalMillis({ RELAY_SWEEP_SECONDS: "often" })).toThrow(/RELAY_SWEEP_SECONDS/);
  });
});
