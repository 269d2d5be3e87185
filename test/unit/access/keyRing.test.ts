import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { AccessKey } from "../../../shared/access/accessKey.ts";
import { KEY_CACHE_MILLIS, KeyRing } from "../../../shared/access/keyRing.ts";
import { newKeyText } from "../../../shared/access/keyText.ts";

let rows: Map<string, AccessKey>;
let reads: string[];
let isDown: boolean;
let clock: { now: number; nowEpochMillis(): number };
let ring: KeyRing;

beforeEach(() => {
  rows = new Map();
  reads = [];
  isDown = false;
  clock = { now: 1_700_000_000_000, nowEpochMillis: () => clock.now };
  const source = {
    readKey: async (id: string) => {
      reads.push(id);
      if (isDown) throw new Error("the table is away");
      return rows.get(id);
    },
  };
  ring = new KeyRing(source, clock);
});

function newKey(): { id: string; text: string } {
  const { id, text, hash } = newKeyText(randomBytes);
  rows.set(id, {
    id,
    hash,
    name: "bridge",
    role: "producer",
    feeds: ["pbx"],
    requestsPerSecond: 200,
    createdAtEpochMillis: 0,
  });
  return { id, text };
}

const unknownText = () => newKeyText(randomBytes).text;

describe("KeyRing", () => {
  it("finds a key by its text, and reads its row once in 30 seconds", async () => {
    const { id, text } = newKey();
    expect(await ring.find(text)).toEqual({ kind: "key", key: rows.get(id) });
    clock.now += KEY_CACHE_MILLIS - 1;
    await ring.find(text);
    expect(reads).toEqual([id]);
    clock.now += 1;
    await ring.find(text);
    expect(reads).toEqual([id, id]);
  });

  it("finds a revoked key for no longer than 30 seconds", async () => {
    const { id, text } = newKey();
    await ring.find(text);
    rows.delete(id);
    clock.now += 29_999;
    expect((await ring.find(text)).kind).toBe("key");
    clock.now += 1;
    expect(await ring.find(text)).toEqual({ kind: "unknown" });
  });

  it("reads again when the clock was set back, because the row's age is not known", async () => {
    const { id, text } = newKey();
    await ring.find(text);
    rows.delete(id);
    clock.now -= 3_600_000;
    expect(await ring.find(text)).toEqual({ kind: "unknown" });
  });

  it("does not find the id of a key with another secret, and reads nothing for it", async () => {
    const { text } = newKey();
    await ring.find(text);
    const forged = `${text.slice(0, 29)}${unknownText().slice(29)}`;
    for (let count = 0; count < 10; count += 1) expect(await ring.find(forged)).toEqual({ kind: "unknown" });
    expect(reads).toHaveLength(1);
  });

  it("remembers that a key is unknown", async () => {
    const text = unknownText();
    for (let count = 0; count < 10; count += 1) expect(await ring.find(text)).toEqual({ kind: "unknown" });
    expect(reads).toHaveLength(1);
  });

  it("reads nothing for a text that has not the form of a key", async () => {
    expect(await ring.find("local")).toEqual({ kind: "unknown" });
    expect(reads).toEqual([]);
  });

  it("reads once for concurrent requests", async () => {
    const { text } = newKey();
    const found = await Promise.all(Array.from({ length: 20 }, () => ring.find(text)));
    expect(found.map(({ kind }) => kind)).toEqual(Array.from({ length: 20 }, () => "key"));
    expect(reads).toHaveLength(1);
  });

  it("reads a bounded number of invented keys, however many are tried, and serves the keys in use", async () => {
    const { text } = newKey();
    await ring.find(text);
    let busy = 0;
    for (let count = 0; count < 20_000; count += 1) {
      clock.now += 1;
      const found = await ring.find(unknownText());
      if (found.kind === "busy") busy += 1;
      if (count % 100 === 0) expect((await ring.find(text)).kind).toBe("key");
    }
    // 20 seconds at 50 a second, and a burst of 100.
    expect(reads.length).toBeLessThanOrEqual(100 + 20 * 50 + 1);
    expect(busy).toBeGreaterThan(18_000);
    clock.now += KEY_CACHE_MILLIS;
    expect((await ring.find(text)).kind).toBe("key");
  });

  it("says when a key that it does not know may be tried again during a flood", async () => {
    const { text } = newKey();
    while ((await ring.find(unknownText())).kind !== "busy");
    const found = await ring.find(text);
    expect(found).toEqual({ kind: "busy", retryAfterMillis: 20 });
    clock.now += 20;
    expect((await ring.find(text)).kind).toBe("key");
  });

  it("fails when the row is too old and cannot be read: it may be revoked", async () => {
    const { text } = newKey();
    await ring.find(text);
    isDown = true;
    expect((await ring.find(text)).kind).toBe("key");
    clock.now += KEY_CACHE_MILLIS;
    await expect(ring.find(text)).rejects.toThrow("the table is away");
    isDown = false;
    expect((await ring.find(text)).kind).toBe("key");
  });
});
