import { describe, expect, it } from "vitest";
import { SettingsError } from "../../../shared/errors.ts";
import {
  assertRelations,
  LONGEST_LEASE_MILLIS,
  readSettings,
  requireVariable,
} from "../../../shared/runtime/settings.ts";

const refusedFor = (variable: string) => expect.objectContaining({ facts: { setting: variable } });

describe("readSettings", () => {
  it("has defaults that agree with each other", () => {
    expect(readSettings({})).toMatchObject({
      segmentSize: 5000,
      freeGraceMillis: 120_000,
      retentionMillis: 7 * 86_400_000,
      requestTimeoutMillis: 15_000,
      allowHttp: false,
      allowedAddressRanges: [],
      cursorGroups: true,
    });
  });

  it("reads each value in the unit of its name", () => {
    expect(
      readSettings({
        RELAY_SEGMENT_SIZE: "50",
        RELAY_FREE_GRACE_SECONDS: "2.5",
        RELAY_RETENTION_SECONDS: "60",
        RELAY_RETENTION_MESSAGES: "1000",
        RELAY_REQUEST_TIMEOUT_SECONDS: "3",
        RELAY_LINGER_SECONDS: "0",
        RELAY_GATHER_SECONDS: "0.25",
        RELAY_SECRET_OVERLAP_SECONDS: "1",
        RELAY_ALLOWED_ADDRESS_RANGES: "127.0.0.0/8, ::1/128,",
        RELAY_ALLOW_HTTP: "true",
      }),
    ).toMatchObject({
      segmentSize: 50,
      freeGraceMillis: 2_500,
      retentionMillis: 60_000,
      retentionMessages: 1000,
      requestTimeoutMillis: 3_000,
      lingerMillis: 0,
      gatherMillis: 250,
      secretOverlapMillis: 1_000,
      allowedAddressRanges: ["127.0.0.0/8", "::1/128"],
      allowHttp: true,
    });
  });

  it.each([
    ["RELAY_SEGMENT_SIZE", "0"],
    ["RELAY_SEGMENT_SIZE", "1.5"],
    ["RELAY_FREE_GRACE_SECONDS", "soon"],
    ["RELAY_FREE_GRACE_SECONDS", "-1"],
    ["RELAY_RETENTION_SECONDS", "Infinity"],
    ["RELAY_REQUEST_TIMEOUT_SECONDS", "0"],
  ])("refuses %s=%s and names the variable", (variable, value) => {
    expect(() => readSettings({ [variable]: value })).toThrow(SettingsError);
    expect(() => readSettings({ [variable]: value })).toThrow(refusedFor(variable));
  });

  it("treats an empty variable as not set", () => {
    expect(readSettings({ RELAY_SEGMENT_SIZE: " " }).segmentSize).toBe(5000);
  });

  it.each([
    ["RELAY_SEGMENT_SIZE", "1000001", "messages"],
    ["RELAY_FREE_GRACE_SECONDS", "604801", "seconds"],
    ["RELAY_RETENTION_SECONDS", "315360001", "seconds"],
    ["RELAY_RETENTION_MESSAGES", "1000000000001", "messages"],
    ["RELAY_RETENTION_MESSAGES", "1.5", "messages"],
    ["RELAY_REQUEST_TIMEOUT_SECONDS", "61", "seconds"],
    ["RELAY_REQUEST_TIMEOUT_SECONDS", "0x10", "seconds"],
    ["RELAY_REQUEST_TIMEOUT_SECONDS", "1e1", "seconds"],
    ["RELAY_REQUEST_TIMEOUT_SECONDS", "5s", "seconds"],
    ["RELAY_REQUEST_TIMEOUT_SECONDS", "NaN", "seconds"],
    ["RELAY_LINGER_SECONDS", "11", "seconds"],
    ["RELAY_GATHER_SECONDS", "5.1", "seconds"],
    ["RELAY_SECRET_OVERLAP_SECONDS", "2592001", "seconds"],
  ])("refuses %s=%s, with its unit and its bounds", (variable, value, unit) => {
    expect(() => readSettings({ [variable]: value })).toThrow(
      new RegExp(`^${variable}: must be a .*number of ${unit}, from [\\d.]+ to \\d+; "${value}" is not`),
    );
  });

  it("has no lease that is longer than the longest", () => {
    const { leaseMillis } = readSettings({ RELAY_REQUEST_TIMEOUT_SECONDS: "60", RELAY_LINGER_SECONDS: "10" });
    expect(leaseMillis).toBe(LONGEST_LEASE_MILLIS);
  });

  it.each([
    ["1", true],
    ["true", true],
    ["YES", true],
    ["0", false],
    ["False", false],
    ["no", false],
    ["", false],
  ])("takes the switch %j for %s", (value, expected) => {
    expect(readSettings({ RELAY_ALLOW_HTTP: value }).allowHttp).toBe(expected);
  });

  it.each(["on", "off", "2", "y", "wahr", "toString"])("refuses the switch %j", (value) => {
    expect(() => readSettings({ RELAY_ALLOW_HTTP: value })).toThrow(refusedFor("RELAY_ALLOW_HTTP"));
  });

  it("deletes freed pages at once, and can leave them to expire a week after the retention", () => {
    const days = ({ pageTtlMillis }: { pageTtlMillis: number }) => pageTtlMillis / 86_400_000;
    expect(readSettings({}).freeing).toBe("at-once");
    expect(days(readSettings({}))).toBe(58);
    const expiring = readSettings({ RELAY_FREEING: "expire" });
    expect(expiring.freeing).toBe("expire");
    expect(days(expiring)).toBe(14);
    expect(expiring.lastPageTtlMillis).toBe(readSettings({}).pageTtlMillis);
    expect(() => readSettings({ RELAY_FREEING: "later" })).toThrow(
      'RELAY_FREEING: must be one of at-once, expire; "later" is not',
    );
  });

  it.each(["0.1", "1", "40", "100000", "604800"])(
    "keeps the relations with a grace of %s seconds",
    (seconds) => {
      const shortest = { RELAY_RETENTION_SECONDS: "0.1", RELAY_FREEING: "expire" };
      expect(() => readSettings({ ...shortest, RELAY_FREE_GRACE_SECONDS: seconds })).not.toThrow();
    },
  );
});

describe("assertRelations", () => {
  const settings = readSettings({});

  it.each([
    [
      "RELAY_FREE_GRACE_SECONDS",
      { freeGraceMillis: settings.tailCacheMillis + 2 * settings.appendTimeoutMillis },
    ],
    ["RELAY_REQUEST_TIMEOUT_SECONDS", { leaseMillis: settings.requestTimeoutMillis + settings.lingerMillis }],
    ["RELAY_RETENTION_SECONDS", { pageTtlMillis: settings.retentionMillis }],
    ["RELAY_FREE_GRACE_SECONDS", { pageTtlMillis: settings.freeGraceMillis, retentionMillis: 1 }],
  ])("refuses at the border what %s breaks", (variable, changed) => {
    expect(() => assertRelations({ ...settings, ...changed })).toThrow(refusedFor(variable));
    const [name = "", value = 0] = Object.entries(changed)[0] ?? [];
    expect(() => assertRelations({ ...settings, ...changed, [name]: value + 1 })).not.toThrow();
  });
});

describe("requireVariable", () => {
  it.each([[{}], [{ X: "" }]])("refuses %o", (environment) => {
    expect(() => requireVariable(environment, "X")).toThrow(refusedFor("X"));
  });

  it("returns the value", () => {
    expect(requireVariable({ X: "y" }, "X")).toBe("y");
  });
});
