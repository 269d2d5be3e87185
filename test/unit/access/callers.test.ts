import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { AccessKey } from "../../../shared/access/accessKey.ts";
import { keyedCallers } from "../../../shared/access/callers.ts";
import { newKeyText } from "../../../shared/access/keyText.ts";
import { RateLimit } from "../../../shared/access/rateLimit.ts";

function callersWith(found: { key?: AccessKey; busyMillis?: number }) {
  const asked: string[] = [];
  const used: string[] = [];
  const callers = keyedCallers({
    isManagementKey: async (key) => {
      asked.push(key);
      return key === "root";
    },
    ring: {
      find: async () => {
        if (found.busyMillis !== undefined) return { kind: "busy", retryAfterMillis: found.busyMillis };
        return found.key ? { kind: "key", key: found.key } : { kind: "unknown" };
      },
    },
    limit: new RateLimit(),
    use: { note: (id) => void used.push(id) },
    nowEpochMillis: () => 1_700_000_000_000,
  });
  return { callers, asked, used };
}

const { id, text, hash } = newKeyText(randomBytes);
const key: AccessKey = {
  id,
  hash,
  name: "reader",
  role: "reader",
  feeds: ["pbx"],
  requestsPerSecond: 1,
  createdAtEpochMillis: 0,
};

describe("who calls", () => {
  it("is a manager of everything with the management key, and nobody with another text", async () => {
    const { callers, used } = callersWith({});
    expect(await callers.identify("root")).toEqual({ kind: "caller", caller: { kind: "management" } });
    expect(await callers.identify("other")).toEqual({ kind: "unknown" });
    expect(used).toEqual([]);
  });

  it("is the holder of a key in the table, which is looked up there and nowhere else", async () => {
    const { callers, asked, used } = callersWith({ key });
    expect(await callers.identify(text)).toEqual({ kind: "caller", caller: { kind: "key", key } });
    expect([asked, used]).toEqual([[], [id]]);
    const none = callersWith({});
    expect(await none.callers.identify(text)).toEqual({ kind: "unknown" });
    expect(none.asked).toEqual([]);
  });

  it("waits when a key has used up its rate, which is no use of it", async () => {
    const { callers, used } = callersWith({ key });
    const kinds = [];
    for (let count = 0; count < 3; count += 1) kinds.push(await callers.identify(text));
    expect(kinds[2]).toEqual({ kind: "too-many", of: "requests", retryAfterMillis: 1000 });
    expect(used).toHaveLength(2);
  });

  it("waits when too many unknown keys are tried", async () => {
    const { callers } = callersWith({ busyMillis: 20 });
    expect(await callers.identify(text)).toEqual({
      kind: "too-many",
      of: "unknown keys",
      retryAfterMillis: 20,
    });
  });
});
