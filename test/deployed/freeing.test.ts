import { beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { someEvents } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";
import { DeployedRelay, newFeed, WITHIN_MILLIS } from "./support/deployedRelay.ts";

/** The grace and two sweeps: the first sweep may come before the last session has crossed. */
const FREED_WITHIN_MILLIS = 240_000;

let relay: DeployedRelay;
beforeAll(async () => {
  relay = await DeployedRelay.find();
});

describe("the sweep of the deployed relay", () => {
  it("frees segments that all sessions have passed, and a held segment once its session is deleted", async () => {
    await using receiver = await WebhookReceiver.start();
    const [free, held] = [newFeed(), newFeed()];
    const { id } = await relay.createSession({ feed: held, url: receiver.url("/paused") });
    await relay.changeSession(id, { state: "paused" });
    for (const feed of [free, held]) await relay.createSession({ feed, url: receiver.url(`/${feed}`) });
    const { segmentSize } = await relay.feed(free);
    // Two full segments and the beginning of a third, in pages large enough for a quick test.
    const total = 2 * segmentSize + 10;
    for (let sent = 0; sent < total; sent += 100) {
      const count = Math.min(100, total - sent);
      for (const feed of [free, held]) await relay.append(feed, someEvents(count, undefined, sent + 1));
    }
    for (const feed of [free, held]) await receiver.untilReceived(`/${feed}`, total, WITHIN_MILLIS);

    const untilHead = (feed: string, head: number) =>
      eventually(`head ${head}`, async () => (await relay.feed(feed)).head === head, FREED_WITHIN_MILLIS);
    await untilHead(free, 2 * segmentSize + 1);
    const read = await relay.messages(free, { from: 1, limit: 10 });
    expect(read.gap).toEqual({ first: 1, last: 2 * segmentSize });
    expect(read.messages).toHaveLength(10);

    expect((await relay.feed(held)).head).toBe(1);
    await relay.deleteSession(id);
    await untilHead(held, 2 * segmentSize + 1);
  });
});
