import { expect, it } from "vitest";
import { type DeliverParts, deliver } from "../../../functions/deliver/deliver.ts";
import { createFollowers } from "../../../shared/queue/follower.ts";
import { silentLog } from "../../../shared/runtime/log.ts";
import { silentMetrics } from "../../../shared/runtime/metrics.ts";
import { readSettings } from "../../../shared/runtime/settings.ts";
import { selectionOf } from "../../../shared/sessions/selection.ts";
import { FEED, MemoryRelay, openGate } from "../../support/memoryRelay.ts";
import { storedPage } from "../queue/samples.ts";

it("a session whose secrets cannot be decrypted shows the error, backs off, and continues once they can", async () => {
  const relay = new MemoryRelay(100);
  relay.addSession("s");
  relay.pages.set(1, storedPage(1, 3, { appendedAtEpochMillis: relay.nowEpochMillis }));
  const signedWith: (readonly string[])[] = [];
  let isKeyDisabled = true;
  const parts: DeliverParts = {
    cursors: relay.cursorStore(openGate),
    sessions: {
      ...relay.sessionStore(),
      openSecrets: async (session) => {
        if (isKeyDisabled) throw new Error("DisabledException");
        return { ...session, secrets: [{ secret: "opened" }] };
      },
    },
    followerOf: createFollowers(relay.pageReader(openGate), relay.clock),
    wakes: relay.wakeSender(openGate),
    webhook: {
      post: async ({ secrets }) => {
        signedWith.push(secrets);
        return { kind: "accepted", status: 200, durationMillis: 1 };
      },
    },
    clock: relay.clock,
    selectionOf,
    random: () => 0.5,
    log: silentLog,
    metrics: silentMetrics,
    settings: { ...readSettings({}), lingerMillis: 0 },
    stopping: new AbortController().signal,
  };

  await deliver(parts, { feed: FEED, session: "s" }, 10_000);
  expect(signedWith).toEqual([]);
  expect(relay.cursors.get("s")).toMatchObject({
    state: "backoff",
    next: 1,
    attempts: 1,
    lastError: { reason: "secret.not-opened" },
  });

  isKeyDisabled = false;
  relay.nowEpochMillis += 60_000;
  await deliver(parts, { feed: FEED, session: "s" }, 10_000);
  expect(signedWith).toEqual([["opened"]]);
  expect(relay.cursors.get("s")).toMatchObject({ state: "parked", next: 4, attempts: 0 });
});
