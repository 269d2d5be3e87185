import type { RelayClient } from "../../../client/index.ts";
import { type Answer, NodeReceiver } from "../../../client/nodeReceiver.ts";
import { eventually } from "../eventually.ts";
import { someEvents } from "../testRelay.ts";

/** How long the neighbour waited, in milliseconds. */
export interface Waited {
  readonly append: number;
  readonly delivery: number;
}

/** Room for a noisy machine: with a load of 17 on two cores, single waits took 20 times as long as usual. */
const RATIO = 10;
const FLOOR_MILLIS = 4_000;

/** The longest that the neighbour may wait beside something large, from its usual wait in the same run. */
export function mostMillis(usualMillis: number): number {
  return FLOOR_MILLIS + RATIO * usualMillis;
}

const FEED = "neighbour";
const GIVEN_UP_MILLIS = 30_000;

/** A tenant that does nothing unusual: it appends one event at a time to its own feed, and has one session on it. */
export class Neighbour implements AsyncDisposable {
  readonly #client: RelayClient;
  readonly #receiver: NodeReceiver;
  readonly #arrived: Map<number, number>;
  #appended = 0;

  private constructor(client: RelayClient, receiver: NodeReceiver, arrived: Map<number, number>) {
    this.#client = client;
    this.#receiver = receiver;
    this.#arrived = arrived;
  }

  static async start(client: RelayClient): Promise<Neighbour> {
    const arrived = new Map<number, number>();
    const receiver = await NodeReceiver.start({
      answer: ({ body }): Answer => {
        const at = performance.now();
        for (const { sequence } of JSON.parse(body).messages) arrived.set(sequence, at);
        return { status: 204 };
      },
    });
    await client.createSession({ feed: FEED, url: receiver.url("/") });
    return new Neighbour(client, receiver, arrived);
  }

  /** Appends an event and waits until it is delivered. */
  async once(): Promise<Waited> {
    this.#appended += 1;
    const sequence = this.#appended;
    const startedAt = performance.now();
    await this.#client.append(FEED, someEvents(1));
    const appendedAt = performance.now();
    const arrivedAt = await eventually(
      `the neighbour's message ${sequence}`,
      () => this.#arrived.get(sequence),
      GIVEN_UP_MILLIS,
    );
    return { append: appendedAt - startedAt, delivery: arrivedAt - startedAt };
  }

  /** The longest of several times, one after another. */
  async longestOf(count: number): Promise<Waited> {
    let longest: Waited = { append: 0, delivery: 0 };
    for (let time = 0; time < count; time += 1) longest = longer(longest, await this.once());
    return longest;
  }

  /** The longest of the times while `work` runs, and of some after it. */
  async longestDuring(work: Promise<unknown>, countAfter: number): Promise<Waited> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    done.catch(() => {});
    let longest: Waited = { append: 0, delivery: 0 };
    while (!isDone) longest = longer(longest, await this.once());
    await done;
    return longer(longest, await this.longestOf(countAfter));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#receiver[Symbol.asyncDispose]();
  }
}

function longer(a: Waited, b: Waited): Waited {
  return { append: Math.max(a.append, b.append), delivery: Math.max(a.delivery, b.delivery) };
}
