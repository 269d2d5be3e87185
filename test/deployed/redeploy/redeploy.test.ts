import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { Producer } from "../../../client/index.ts";
import { deploy } from "../../../local/cloud/deploy.ts";
import { eventually } from "../../support/eventually.ts";
import { someEvents } from "../../support/testRelay.ts";
import { eventTexts } from "../../support/webhookBodies.ts";
import { type ReceivedRequest, WebhookReceiver } from "../../support/webhookReceiver.ts";
import { DeployedRelay, groupOf, IngestQueue, newFeed } from "../support/deployedRelay.ts";

/** Slow enough that some request is in flight at every moment of the deployment. */
const ANSWER_AFTER_MILLIS = 150;
const BATCH = 10;
/** Batches before and after the deployment. During it, batches are sent as fast as they are accepted. */
const BATCHES_AROUND = 10;
/**
 * Ministack ends the old functions in the middle of their work; AWS lets them finish. Afterwards a batch of the FIFO
 * queue is hidden for a minute, and a session's lease must expire before the next sweep wakes the session.
 */
const SETTLED_WITHIN_MILLIS = 240_000;
/** Two deployments, and some sweeps until everything is delivered and packed. */
const TEST_WITHIN_MILLIS = 600_000;

/** The version that is updated: a checkout of it, or else this one with a row for each session, as before cursor groups. */
const { RELAY_CHECKOUT_BEFORE } = process.env;

let relay: DeployedRelay;
beforeAll(async () => {
  await deploy({ ...process.env, RELAY_CURSOR_GROUPS: "0" }, RELAY_CHECKOUT_BEFORE);
  relay = await DeployedRelay.find();
});

describe("a second deployment over a running relay", () => {
  it(
    "loses and duplicates nothing and keeps the order, with messages in flight, and puts sessions into groups",
    async () => {
      await using receiver = await WebhookReceiver.start();
      receiver.answer = async () => {
        await pause(ANSWER_AFTER_MILLIS);
        return { status: 204 };
      };
      using queue = await IngestQueue.find();
      const feed = newFeed();
      const paths = ["/a", "/b", "/c", "/d"];
      const ids: string[] = [];
      for (const path of paths) {
        const { id } = await relay.createSession({ feed, url: receiver.url(path), maxBatch: BATCH });
        ids.push(id);
      }
      const groups = async () => new Set(await Promise.all(ids.map((id) => groupOf(id))));
      expect(await groups()).toEqual(new Set([undefined]));

      const load = new Load(relay, queue, feed);
      const running = Promise.all([load.appendOverHttp(), load.appendOverQueue()]);
      await load.until(BATCHES_AROUND);
      const { segmentSize } = await relay.feed(feed);
      const requestsBefore = receiver.requests("/a").length;
      await deploy({ ...process.env, RELAY_SEGMENT_SIZE: String(segmentSize + 1) });
      const requestsAfter = receiver.requests("/a").length;
      const batchesAfter = load.batches;
      await load.until(batchesAfter + BATCHES_AROUND);
      load.stop();
      await running;

      const total = load.texts.size;
      for (const path of paths) await receiver.untilReceived(path, total, SETTLED_WITHIN_MILLIS);
      for (const path of paths) expectEachOnce(receiver.requests(path), load.texts);
      expect((await relay.feed(feed)).tail).toBe(total);

      // The sweep packs rows that rest. What was sent before and what comes after is one sequence.
      await eventually(
        "all sessions in a group",
        async () => !(await groups()).has(undefined),
        SETTLED_WITHIN_MILLIS,
      );
      expect((await groups()).size).toBe(1);
      for (const position of [1, 2]) await relay.append(feed, [load.lateEvent(position)]);
      for (const path of paths) await receiver.untilReceived(path, total + 2, SETTLED_WITHIN_MILLIS);
      for (const path of paths) expectEachOnce(receiver.requests(path), load.texts);

      // The deployment took effect under load: new feeds have the new segment size.
      const newer = newFeed();
      await relay.append(newer, someEvents(1));
      expect((await relay.feed(newer)).segmentSize).toBe(segmentSize + 1);
      expect(requestsBefore).toBeGreaterThan(0);
      expect(requestsAfter).toBeGreaterThan(requestsBefore);
    },
    TEST_WITHIN_MILLIS,
  );
});

/** Two producers that send one batch after the other until they are stopped. Each batch is resent until accepted. */
class Load {
  /** The text of every event that was sent. It names the sender and the event's place in the sender's order. */
  readonly texts = new Set<string>();
  batches = 0;
  readonly #relay: DeployedRelay;
  readonly #queue: IngestQueue;
  readonly #feed: string;
  #stopped = false;

  constructor(relay: DeployedRelay, queue: IngestQueue, feed: string) {
    this.#relay = relay;
    this.#queue = queue;
    this.#feed = feed;
  }

  async appendOverHttp(): Promise<void> {
    const producer = new Producer({
      client: this.#relay,
      feed: this.#feed,
      producer: "load",
      lingerMillis: 0,
    });
    while (!this.#stopped) {
      await producer.sendAll(this.#nextBatch("http", producer.position));
      this.batches += 1;
    }
  }

  async appendOverQueue(): Promise<void> {
    for (let position = 1; !this.#stopped; position += BATCH) {
      await this.#queue.send(this.#feed, this.#nextBatch("queue", position).join("\n"), randomUUID());
      await pause(50);
    }
  }

  async until(batches: number): Promise<void> {
    while (this.batches < batches) await pause(20);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** An event that a test appends by itself, once the load has stopped. */
  lateEvent(number: number): object {
    const event = { type: "Load", sender: "late", number };
    this.texts.add(JSON.stringify(event));
    return event;
  }

  #nextBatch(sender: string, position: number): string[] {
    const lines = Array.from({ length: BATCH }, (_, index) =>
      JSON.stringify({ type: "Load", sender, number: position + index }),
    );
    for (const line of lines) this.texts.add(line);
    return lines;
  }
}

/** Stores each id once, as docs/webhooks.md says. A subscriber must then have every event, in each sender's order. */
function expectEachOnce(requests: readonly ReceivedRequest[], wanted: ReadonlySet<string>): void {
  const stored = [...new Map(requests.map((request) => [request.id, request])).values()];
  for (const request of requests) {
    const first = stored.find(({ id }) => id === request.id);
    expect(request.body.messages).toEqual(first?.body.messages);
  }
  expect(stored.flatMap(({ body }) => body.messages.map(({ sequence }) => sequence))).toEqual(
    Array.from({ length: wanted.size }, (_, index) => index + 1),
  );
  const texts = stored.flatMap(({ text }) => eventTexts(text));
  expect(new Set(texts)).toEqual(wanted);
  for (const sender of ["http", "queue", "late"]) {
    const numbers = texts.map((text) => JSON.parse(text)).filter((event) => event.sender === sender);
    expect(numbers.map(({ number }) => number)).toEqual(numbers.map((_, index) => index + 1));
  }
}
