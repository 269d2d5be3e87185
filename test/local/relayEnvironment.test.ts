import { describe, expect, it } from "vitest";
import {
  allowedHostsOf,
  functionEnvironment,
  portOf,
  sweepIntervalMillis,
  warnOfUnknownSettings,
  withLocalDefaults,
} from "../../local/relayEnvironment.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { readSettings } from "../../shared/runtime/settings.ts";

const provisioned = {
  tableNames: {
    queue: "queue-table",
    cursors: "cursors-table",
    sessions: "sessions-table",
    keys: "keys-table",
    attempts: "attempts-table",
  },
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
      RELAY_KEYS_TABLE: "keys-table",
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

  it.each(["2592000", "86401", "0.05", "0", "-1", "1e9", "Infinity", "5 s"])(
    "refuse a sweep every %s seconds: timers overflow, or the machine does nothing else",
    (RELAY_SWEEP_SECONDS) => {
      expect(() => sweepIntervalMillis({ RELAY_SWEEP_SECONDS })).toThrow(
        /^RELAY_SWEEP_SECONDS: .*seconds.*from 0.1 to/,
      );
    },
  );

  it.each(["65536", "-1", "80.5", "0x50", "http"])("refuse the port %s", (PORT) => {
    expect(() => portOf({ PORT })).toThrow(/^PORT: /);
  });

  it("name the variables that nobody reads, and no others", () => {
    const warned: string[] = [];
    const log = { ...silentLog, warn: (message: string) => void warned.push(message) };
    const mistaken = { RELAY_SEGMENTSIZE: "3", RELAY_Sweep_Seconds: "1", RELAY_QUEUE_TABLE: "t" };
    warnOfUnknownSettings({ ...mistaken, RELAYED: "x", PATH: "y" }, log);
    expect(warned).toEqual([
      expect.stringMatching(/: RELAY_SEGMENTSIZE, RELAY_Sweep_Seconds, RELAY_QUEUE_TABLE$/),
    ]);
    const known = [
      "RELAY_DATA_DIR",
      "RELAY_API_KEY",
      "RELAY_ALLOW_HTTP",
      "RELAY_ALLOWED_HOSTS",
      "RELAY_LINGER_SECONDS",
      "RELAY_METRICS_FEEDS",
      "RELAY_INGEST_QUEUE_URL",
      "RELAY_SWEEP_SECONDS",
      "RELAY_URL",
    ];
    warnOfUnknownSettings(Object.fromEntries(known.map((name) => [name, "1"])), log);
    expect(warned).toHaveLength(1);
  });

  it.each(["*", "relay example", "http://relay.example", "relay.example/x"])(
    "refuse the host name %s",
    (RELAY_ALLOWED_HOSTS) => {
      expect(() => allowedHostsOf({ RELAY_ALLOWED_HOSTS })).toThrow(/^RELAY_ALLOWED_HOSTS: /);
    },
  );

  it("refuse a value that is not a number, and name the setting", () => {
    expect(() => portOf({ PORT: "http" })).toThrow(/PORT/);
    expect(() => sweepIntervalMillis({ RELAY_SWEEP_SECONDS: "often" })).toThrow(/RELAY_SWEEP_SECONDS/);
  });
});
