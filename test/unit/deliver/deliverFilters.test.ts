import { expect, it } from "vitest";
import { type DeliverParts, deliver } from "../../../functions/deliver/deliver.ts";
import { createFollowers } from "../../../shared/queue/follower.ts";
import { silentLog } from "../../../shared/runtime/log.ts";
import { silentMetrics } from "../../../shared/runtime/metrics.ts";
import { readSettings } from "../../../shared/runtime/settings.ts";
import { selectionOf } from "../../../shared/sessions/selection.ts";
import { FEED, MemoryRelay, openGate } from "../../support/memoryRelay.ts";
import { storedPage } from "../queue/samples.ts";

it("a session stored with filters that are too large is suspended with the reason, and others go on", async () => {
  const relay = new MemoryRelay(100);
  relay.addSession("large");
  relay.addSession("other");
  relay.pages.set(1, storedPage(1, 3, { appendedAtEpochMillis: relay.nowEpochMillis }));
  const store = relay.sessionStore();
  const parts: DeliverParts = {
    cursors: relay.cursorStore(openGate),
    sessions: {
      ...store,
      readSession: async (id) => {
        const session = await store.readSession(id);
        const eventFilters = new Array(100).fill("([a-j]{1,2}[b-k]?[a-i]){0,300}[K-Z]");
        return session && id === "large" ? { ...session, filter: { eventFilters } } : session;
      },
      openSecrets: async (session) => session,
    },
    followerOf: createFollowers(relay.pageReader(openGate), relay.clock),
    wakes: relay.wakeSender(openGate),
    webhook: { post: async () => ({ kind: "accepted", status: 200, durationMillis: 1 }) },
    clock: relay.clock,
    selectionOf,
    random: () => 0.5,
    log: silentLog,
    metrics: silentMetrics,
    settings: { ...readSettings({}), lingerMillis: 0 },
    stopping: new AbortController().signal,
  };

  await deliver(parts, { feed: FEED, session: "large" }, 10_000);
  await deliver(parts, { feed: FEED, session: "other" }, 10_000);
  expect(relay.cursors.get("large")).toMatchObject({
    state: "suspended",
    next: 1,
    lastError: { reason: "filter.invalid", detail: expect.stringContaining("at most 4000 are accepted") },
  });
  expect(relay.cursors.get("other")).toMatchObject({ state: "parked", next: 4 });
});
