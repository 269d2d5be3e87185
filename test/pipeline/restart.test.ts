import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { freePort } from "../../local/freePort.ts";
import { RelayProcess } from "../support/relayProcess.ts";
import { someEvents } from "../support/testRelay.ts";
import { type ReceivedRequest, WebhookReceiver } from "../support/webhookReceiver.ts";

it("a relay that is killed in the middle of its work and restarted loses nothing", async () => {
  const directory = await mkdtemp(join(tmpdir(), "stasis-relay-"));
  await using receiver = await WebhookReceiver.start();
  receiver.answer = async ({ path }) => {
    if (path === "/slow") await pause(30);
    return { status: 200 };
  };
  const port = await freePort();
  const environment = {
    RELAY_DATA_DIR: directory,
    RELAY_SWEEP_SECONDS: "0.5",
    RELAY_REQUEST_TIMEOUT_SECONDS: "1",
  };
  const start = () => RelayProcess.start(port, environment);
  let relay = await start();
  try {
    for (const path of ["/fast", "/slow"])
      await relay.client.createSession({ feed: "pbx", url: receiver.url(path), maxBatch: 10 });

    const total = 600;
    const size = 20;
    const killAfter = new Set([100, 300, 500]);
    for (let position = 1; position <= total; position += size) {
      const events = someEvents(size, undefined, position);
      const send = () => relay.client.append("pbx", events, { producer: "bridge", position });
      const sending = send();
      if (killAfter.has(position + size - 1)) {
        // The relay is killed with this batch in flight. It may have been appended or not, so it is resent.
        await Promise.allSettled([relay.end("SIGKILL"), sending]);
        relay = await start();
        expect(await send()).toMatchObject({ first: position, last: position + size - 1 });
      } else expect(await sending).toMatchObject({ first: position, last: position + size - 1 });
    }

    for (const path of ["/fast", "/slow"]) {
      await receiver.untilReceived(path, total, 60_000);
      expectEverythingInOrder(receiver.requests(path), total);
    }
    expect(await relay.end("SIGTERM")).toBe(0);
  } finally {
    await relay[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  }
}, 120_000);

/** A batch in flight at a kill may arrive twice, but only with the same messages and the same id. */
function expectEverythingInOrder(requests: readonly ReceivedRequest[], total: number): void {
  const batches = new Map(requests.map(({ id, body }) => [id, body]));
  let next = 1;
  for (const { first, last, previous, messages } of batches.values()) {
    expect({ first, previous }).toEqual({ first: next, previous: next - 1 });
    expect(messages.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: last - first + 1 }, (_, index) => first + index),
    );
    expect(messages.map(({ event }) => event.number)).toEqual(messages.map(({ sequence }) => sequence));
    next = last + 1;
  }
  expect(next).toBe(total + 1);
  for (const request of requests) expect(request.body.messages).toEqual(batches.get(request.id)?.messages);
}
