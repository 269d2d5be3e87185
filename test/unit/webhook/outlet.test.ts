import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { renderGap, renderMessage } from "../../../shared/queue/message.ts";
import { silentLog } from "../../../shared/runtime/log.ts";
import type { Attempt } from "../../../shared/sessions/attempt.ts";
import { createJudges } from "../../../shared/sessions/judge.ts";
import type { WebhookSession } from "../../../shared/sessions/session.ts";
import type { WebhookBody } from "../../../shared/webhook/body.ts";
import { WebhookOutlet, type WebhookOutletParts } from "../../../shared/webhook/outlet.ts";
import { SharedMessages } from "../../../shared/webhook/sharedMessages.ts";
import { jsonOf } from "../../support/webhookBodies.ts";
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

function outletWith(
  parts: Partial<Pick<WebhookOutletParts, "webhook" | "sessions" | "sharedMessages">>,
  own: Partial<WebhookSession> = {},
) {
  const recorded: object[] = [];
  const attempts: Attempt[] = [];
  const outlet = new WebhookOutlet(
    {
      sessions: { openSecrets: async () => ({ secrets: [] }) },
      webhook: { post: () => Promise.reject(new Error("not called")) },
      sharedMessages: new SharedMessages(),
      judgeOf: createJudges(() => 0, { nowEpochMillis: () => NOW, sleep: async () => {} }),
      clock: { nowEpochMillis: () => NOW, sleep: async () => {} },
      random: () => 0,
      attempts: { record: async (_session, attempt) => void attempts.push(attempt) },
      log: silentLog,
      metrics: { record: (_feed, values) => void recorded.push(values) },
      settings: { requestTimeoutMillis: 15_000, fastRequestTimeoutMillis: 3_000 },
      ...parts,
    },
    { ...session, ...own },
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

describe("the bodies of sessions that share what they are sent", () => {
  const sharedMessages = new SharedMessages();
  const numbered = Array.from({ length: 10 }, (_, index) => ({
    sequence: 24 + index,
    message: renderMessage("A", "now", `{"number":${24 + index}}`),
  }));
  const inFlight = { ...batch, last: 33, messages: numbered };

  /** What a session that is sent this batch gets, of its own and of the messages. */
  async function sent(cursor: Parameters<typeof cursorOf>[0], own: Partial<WebhookSession>, from = inFlight) {
    const bodies: WebhookBody[] = [];
    const post = async ({ body }: { body: WebhookBody }) => {
      bodies.push(body);
      return { kind: "accepted", status: 200, durationMillis: 1 } as const;
    };
    const { outlet } = outletWith({ sharedMessages, webhook: { post } }, own);
    await outlet.send(cursorOf(cursor), from);
    const [body] = bodies;
    if (body === undefined) throw new Error("no request");
    const text = Buffer.concat(body.json);
    expect(body.encoding === "gzip" ? gunzipSync(body.sent) : body.sent).toEqual(text);
    return { body, json: JSON.parse(jsonOf(body)) };
  }

  it("have the session's own numbers in front of the same messages", async () => {
    const first = await sent({ session: "ses_1", fence: 7, previous: 20 }, { session: "ses_1" });
    const second = await sent({ session: "ses_2", fence: 9, previous: 23 }, { session: "ses_2" });
    expect(first.json).toMatchObject({ session: "ses_1", epoch: 7, previous: 20, first: 24, last: 33 });
    expect(second.json).toMatchObject({ session: "ses_2", epoch: 9, previous: 23, first: 24, last: 33 });
    expect(second.json.messages).toEqual(first.json.messages);
    expect(second.body.json[1]).toBe(first.body.json[1]);
  });

  it("are compressed only for a session that asks for it", async () => {
    const plain = await sent({}, {});
    const compressed = await sent({}, { compress: "gzip" });
    expect(plain.body).toMatchObject({ encoding: undefined, sent: Buffer.concat(plain.body.json) });
    expect(compressed.body.encoding).toBe("gzip");
    expect(compressed.json).toEqual(plain.json);
  });

  it("do not share the message that reports a session's gap", async () => {
    const gap = { first: 3, last: 24, reason: "retention" } as const;
    const told = {
      ...batch,
      tellsGap: true,
      messages: [{ sequence: 24, message: renderGap("retention", {}, NOW) }],
    };
    const one = { ...batch, last: 24, messages: numbered.slice(0, 1) };
    const gapped = await sent({ gap }, { compress: "gzip" }, told);
    expect(gapped.json.messages).toMatchObject([{ type: "RelayGap" }]);
    expect((await sent({}, {}, one)).json.messages).toMatchObject([{ type: "A" }]);
    expect((await sent({ gap }, {}, told)).json.messages).toMatchObject([{ type: "RelayGap" }]);
  });

  it("do not share a test message either", async () => {
    const bodies: WebhookBody[] = [];
    const post = async ({ body }: { body: WebhookBody }) => {
      bodies.push(body);
      return { kind: "accepted", status: 200, durationMillis: 1 } as const;
    };
    const { outlet } = outletWith({ sharedMessages, webhook: { post } }, { compress: "gzip" });
    const one = { ...batch, last: 24, messages: numbered.slice(0, 1) };
    await outlet.send(cursorOf({ next: 24, previous: 23 }), one);
    await outlet.sendTest(cursorOf({ next: 25, previous: 24 }), "test_1");
    expect(bodies.map((body) => JSON.parse(jsonOf(body)).messages)).toMatchObject([
      [{ sequence: 24, type: "A" }],
      [{ sequence: 24, type: "RelayTest", event: { test: "test_1" } }],
    ]);
  });
});
