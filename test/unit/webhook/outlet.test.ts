import { describe, expect, it } from "vitest";
import { silentLog } from "../../../shared/runtime/log.ts";
import type { Attempt } from "../../../shared/sessions/attempt.ts";
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
  const attempts: Attempt[] = [];
  const outlet = new WebhookOutlet(
    {
      sessions: { openSecrets: async () => ({ secrets: [] }) },
      webhook: { post: () => Promise.reject(new Error("not called")) },
      judgeOf: createJudges(() => 0, { nowEpochMillis: () => NOW, sleep: async () => {} }),
      clock: { nowEpochMillis: () => NOW, sleep: async () => {} },
      random: () => 0,
      attempts: { record: async (_session, attempt) => void attempts.push(attempt) },
      log: silentLog,
      metrics: { record: (_feed, values) => void recorded.push(values) },
      settings: { requestTimeoutMillis: 15_000, fastRequestTimeoutMillis: 3_000 },
      ...parts,
    },
    session,
  );
  return { outlet, recorded, attempts };
}

describe("the relay's own lack", () => {
  it.each(["relay.exhausted", "aborted"])("(%s) is no failed attempt of the endpoint", async (reason) => {
    const { outlet, recorded, attempts } = outletWith({
      webhook: { post: async () => ({ kind: "failed", reason, detail: "EMFILE", durationMillis: 1 }) },
    });
    await expect(outlet.send(cursorOf(), batch)).rejects.toMatchObject({ code: reason, retryable: true });
    expect([recorded, attempts]).toEqual([[], []]);
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

describe("a request", () => {
  const inFlight = {
    ...batch,
    messages: [1, 2].map((offset) => ({ sequence: 23 + offset, message: { type: "A", text: "{}" } })),
  };

  it("is recorded with what the endpoint answered", async () => {
    const { outlet, attempts } = outletWith({
      webhook: { post: async () => ({ kind: "accepted", status: 202, durationMillis: 12.4 }) },
    });
    await outlet.send(cursorOf(), inFlight);
    expect(attempts).toEqual([
      {
        outcome: "accepted",
        status: 202,
        sinceEpochMillis: NOW,
        atEpochMillis: NOW,
        durationMillis: 12,
        requests: 1,
        batch: "batch",
        first: 24,
        last: 25,
        messages: 2,
        gap: undefined,
        test: undefined,
      },
    ]);
  });

  it("that only took too long for the fast lane is recorded too", async () => {
    const timeout = {
      kind: "failed",
      reason: "timeout",
      detail: "no answer",
      durationMillis: 3_000,
    } as const;
    const { outlet, attempts } = outletWith({ webhook: { post: async () => timeout } });
    expect(await outlet.send(cursorOf(), inFlight)).toEqual({ kind: "outstayed" });
    expect(attempts).toMatchObject([{ outcome: "failed", reason: "timeout", first: 24, last: 25 }]);
  });

  it("that reports a gap is recorded with the gap's ends", async () => {
    const gap = { first: 3, last: 24, reason: "retention" } as const;
    const { outlet, attempts } = outletWith({
      webhook: { post: async () => ({ kind: "accepted", status: 200, durationMillis: 1 }) },
    });
    const [message] = inFlight.messages;
    await outlet.send(cursorOf({ gap }), { ...batch, messages: message ? [message] : [], tellsGap: true });
    expect(attempts).toMatchObject([{ outcome: "accepted", first: 3, last: 24, gap: "retention" }]);
  });
});
