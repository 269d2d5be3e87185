import { describe, expect, it } from "vitest";
import { silentLog } from "../../../shared/runtime/log.ts";
import { createJudges } from "../../../shared/sessions/judge.ts";
import { WebhookOutlet, type WebhookOutletParts } from "../../../shared/webhook/outlet.ts";
import { cursorOf, NOW } from "../sessions/samples.ts";

const session = {
  session: "ses_1",
  feed: "pbx-1",
  kind: "webhook",
  url: "https://example.com/",
  format: "stasis",
  maxBatch: 100,
  secrets: [],
  createdAtEpochMillis: NOW,
} as const;

const batch = { id: "batch", last: 25, messages: [], appendedAtEpochMillis: NOW, tellsGap: false };

function outletWith(parts: Partial<Pick<WebhookOutletParts, "webhook" | "sessions">>) {
  const recorded: object[] = [];
  const outlet = new WebhookOutlet(
    {
      sessions: { openSecrets: async () => ({ secrets: [] }) },
      webhook: { post: () => Promise.reject(new Error("not called")) },
      judgeOf: createJudges(() => 0, { nowEpochMillis: () => NOW, sleep: async () => {} }),
      clock: { nowEpochMillis: () => NOW, sleep: async () => {} },
      random: () => 0,
      log: silentLog,
      metrics: { record: (_feed, values) => void recorded.push(values) },
      settings: { requestTimeoutMillis: 15_000, fastRequestTimeoutMillis: 3_000 },
      ...parts,
    },
    session,
  );
  return { outlet, recorded };
}

describe("the relay's own lack", () => {
  it.each(["relay.exhausted", "aborted"])("(%s) is no failed attempt of the endpoint", async (reason) => {
    const { outlet, recorded } = outletWith({
      webhook: { post: async () => ({ kind: "failed", reason, detail: "EMFILE", durationMillis: 1 }) },
    });
    await expect(outlet.send(cursorOf(), batch)).rejects.toMatchObject({ code: reason, retryable: true });
    expect(recorded).toEqual([]);
  });

  it("while a secret is opened is no failure of the session's secret", async () => {
    const lack = Object.assign(new Error("connect EMFILE"), { code: "EMFILE" });
    const { outlet } = outletWith({ sessions: { openSecrets: () => Promise.reject(lack) } });
    await expect(outlet.send(cursorOf(), batch)).rejects.toBe(lack);
  });

  it("is not taken for that of an endpoint that refuses a connection", async () => {
    const refused = { kind: "failed", reason: "connection.refused", detail: "", durationMillis: 1 } as const;
    const { outlet, recorded } = outletWith({ webhook: { post: async () => refused } });
    expect(await outlet.send(cursorOf(), batch)).toMatchObject({ kind: "failed" });
    expect(recorded).toEqual([{ FailedAttempts: 1 }]);
  });
});
