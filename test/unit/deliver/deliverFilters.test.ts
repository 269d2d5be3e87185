import { expect, it } from "vitest";
import { deliver } from "../../../functions/deliver/deliver.ts";
import { FEED, MemoryRelay } from "../../support/memoryRelay.ts";
import { storedPage } from "../queue/samples.ts";
import { deliverParts } from "./samples.ts";

it("a session stored with filters that are too large is suspended with the reason, and others go on", async () => {
  const relay = new MemoryRelay(100);
  relay.addSession("large");
  relay.addSession("other");
  relay.pages.set(1, storedPage(1, 3, { appendedAtEpochMillis: relay.nowEpochMillis }));
  const store = relay.sessionStore();
  const parts = deliverParts(relay, {
    sessions: {
      ...store,
      readSession: async (id) => {
        const session = await store.readSession(id);
        const eventFilters = new Array(100).fill("([a-j]{1,2}[b-k]?[a-i]){0,300}[K-Z]");
        return session && id === "large" ? { ...session, filter: { eventFilters } } : session;
      },
      openSecrets: async (session) => session,
    },
  });

  await deliver(parts, { feed: FEED, session: "large" }, 10_000);
  await deliver(parts, { feed: FEED, session: "other" }, 10_000);
  expect(relay.cursors.get("large")).toMatchObject({
    state: "suspended",
    next: 1,
    lastError: { reason: "filter.invalid", detail: expect.stringContaining("at most 4000 are accepted") },
  });
  expect(relay.cursors.get("other")).toMatchObject({ state: "parked", next: 4 });
});
