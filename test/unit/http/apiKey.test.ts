import { describe, expect, it } from "vitest";
import { type ApiKeys, fixedApiKey, rotatingApiKey } from "../../../shared/http/apiKey.ts";
import { silentLog } from "../../../shared/runtime/log.ts";

const HOUR = 3_600_000;
const BIRTH = 1_000_000;

/** A key store that counts its reads, and a check on it with a stopped clock. */
function keyStore(overlapMillis = 24 * HOUR) {
  const store = {
    keys: { current: "first", currentSinceEpochMillis: BIRTH } as ApiKeys,
    nowEpochMillis: BIRTH + HOUR,
    reads: 0,
    isDown: false,
    rotate(current: string) {
      store.keys = {
        current,
        currentSinceEpochMillis: store.nowEpochMillis,
        previous: store.keys.current,
      };
    },
  };
  const isApiKey = rotatingApiKey({
    readKeys: async () => {
      store.reads += 1;
      if (store.isDown) throw new Error("the store is down");
      return store.keys;
    },
    overlapMillis,
    clock: { nowEpochMillis: () => store.nowEpochMillis, sleep: async () => {} },
    log: silentLog,
  });
  return { store, isApiKey };
}

describe("a fixed key", () => {
  it("is accepted, and no other key is", async () => {
    expect(await Promise.all(["key", "Key", "", "keykey"].map(fixedApiKey("key")))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe("a rotating key", () => {
  it("is read once for concurrent requests, and again after five minutes", async () => {
    const { store, isApiKey } = keyStore();
    expect(await Promise.all([isApiKey("first"), isApiKey("first"), isApiKey("first")])).toEqual([
      true,
      true,
      true,
    ]);
    store.nowEpochMillis += 300_000;
    await isApiKey("first");
    expect(store.reads).toBe(1);
    store.nowEpochMillis += 1;
    await isApiKey("first");
    expect(store.reads).toBe(2);
  });

  it("is accepted within seconds of its rotation, and the previous key during the overlap", async () => {
    const { store, isApiKey } = keyStore(2 * HOUR);
    expect(await isApiKey("first")).toBe(true);
    store.nowEpochMillis += 10_001;
    store.rotate("second");
    expect(await isApiKey("second")).toBe(true);
    expect(await isApiKey("first")).toBe(true);
    store.nowEpochMillis += 2 * HOUR - 1;
    expect(await isApiKey("first")).toBe(true);
    store.nowEpochMillis += 1;
    expect(await isApiKey("first")).toBe(false);
    expect(await isApiKey("second")).toBe(true);
  });

  it("ends the previous one's overlap when the clock is set back by more than that", async () => {
    const { store, isApiKey } = keyStore(2 * HOUR);
    store.rotate("second");
    store.nowEpochMillis -= 2 * HOUR;
    expect([await isApiKey("first"), await isApiKey("second")]).toEqual([false, true]);
  });

  it("makes the first key invalid at once after two rotations", async () => {
    const { store, isApiKey } = keyStore();
    await isApiKey("first");
    store.rotate("second");
    store.rotate("third");
    store.nowEpochMillis += 300_001;
    expect([await isApiKey("first"), await isApiKey("second"), await isApiKey("third")]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it("causes at most one read in ten seconds when keys are guessed", async () => {
    const { store, isApiKey } = keyStore();
    for (let second = 0; second < 60; second += 1) {
      expect(await isApiKey("guess")).toBe(false);
      store.nowEpochMillis += 1_000;
    }
    expect(store.reads).toBe(6);
  });

  it("stays valid while the store is down, and the check fails when no key was ever read", async () => {
    const { store, isApiKey } = keyStore();
    store.isDown = true;
    await expect(isApiKey("first")).rejects.toThrow("the store is down");
    store.isDown = false;
    expect(await isApiKey("first")).toBe(true);
    store.isDown = true;
    store.nowEpochMillis += HOUR;
    expect([await isApiKey("first"), await isApiKey("guess")]).toEqual([true, false]);
  });
});
