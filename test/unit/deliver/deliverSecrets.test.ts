import { expect, it } from "vitest";
import { deliver } from "../../../functions/deliver/deliver.ts";
import { FEED, MemoryRelay } from "../../support/memoryRelay.ts";
import { storedPage } from "../queue/samples.ts";
import { deliverParts } from "./samples.ts";

it("a session whose secrets cannot be decrypted shows the error, backs off, and continues once they can", async () => {
  const relay = new MemoryRelay(100);
  relay.addSession("s");
  relay.pages.set(1, storedPage(1, 3, { appendedAtEpochMillis: relay.nowEpochMillis }));
  const signedWith: (readonly string[])[] = [];
  let isKeyDisabled = true;
  const parts = deliverParts(relay, {
    sessions: {
      ...relay.sessionStore(),
      openSecrets: async (session) => {
        if (isKeyDisabled) throw new Error("DisabledException");
        return { ...session, secrets: [{ secret: "opened" }] };
      },
    },
    webhook: {
      post: async ({ secrets }) => {
        signedWith.push(secrets);
        return { kind: "accepted", status: 200, durationMillis: 1 };
      },
    },
  });

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
