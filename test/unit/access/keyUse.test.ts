import { beforeEach, describe, expect, it } from "vitest";
import { KeyUse } from "../../../shared/access/keyUse.ts";

const HOUR = 3_600_000;

let recorded: Map<string, number>;
let calls: string[];
let warnings: { message: string; facts: unknown }[];
let failure: Error | undefined;
let now: number;

beforeEach(() => {
  recorded = new Map();
  calls = [];
  warnings = [];
  failure = undefined;
  now = 1_700_000_000_000;
});

const settled = () => new Promise((resolve) => setImmediate(resolve));

function newProcess(): KeyUse {
  const store = {
    readKeyUse: async (id: string) => {
      calls.push("read");
      if (failure) throw failure;
      return recorded.get(id);
    },
    recordKeyUse: async (id: string, usedAtEpochMillis: number, earlierThanEpochMillis: number) => {
      calls.push("write");
      if ((recorded.get(id) ?? 0) <= earlierThanEpochMillis) recorded.set(id, usedAtEpochMillis);
    },
  };
  const log = {
    info: () => {},
    error: () => {},
    warn: (message: string, facts: unknown) => void warnings.push({ message, facts }),
  };
  return new KeyUse(store, { nowEpochMillis: () => now }, log);
}

describe("KeyUse", () => {
  it("records a use once an hour, however often the key is used", async () => {
    const use = newProcess();
    for (let count = 0; count < 1000; count += 1) use.note("k");
    await settled();
    expect(calls).toEqual(["read", "write"]);
    expect(recorded.get("k")).toBe(now);
    now += HOUR - 1;
    use.note("k");
    await settled();
    expect(calls).toHaveLength(2);
    now += 1;
    use.note("k");
    await settled();
    expect(recorded.get("k")).toBe(now);
  });

  it("writes nothing when another process recorded a use within the hour", async () => {
    newProcess().note("k");
    await settled();
    now += 1000;
    for (let process = 0; process < 10; process += 1) newProcess().note("k");
    await settled();
    expect(calls.filter((call) => call === "write")).toHaveLength(1);
  });

  it("lets no request fail or wait when the table is away", async () => {
    failure = new Error("away");
    const use = newProcess();
    expect(use.note("k")).toBeUndefined();
    await settled();
    expect(warnings).toEqual([
      { message: "a key's last use could not be recorded", facts: { key: "k", error: failure } },
    ]);
    failure = undefined;
    use.note("k");
    await settled();
    expect(calls).toEqual(["read"]);
  });
});
