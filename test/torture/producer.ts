import { setTimeout as pause } from "node:timers/promises";
import { Producer, type RelayClient } from "../../client/index.ts";
import { eventText, type Witnessed } from "../support/witnessed.ts";

const EVENTS_PER_BATCH = 10;
/** The relay is killed and restarted: it responds soon or not at all. */
const BACKOFF_MILLIS = { first: 100, most: 100 };

/** Simulates a bridge to one Asterisk: sends generated events at a steady rate. */
export class SteadyProducer {
  readonly accepted: Witnessed["accepted"][number][] = [];
  readonly #producer: Producer;
  readonly #name: string;
  readonly #eventsPerSecond: number;

  constructor(client: RelayClient, feed: string, name: string, eventsPerSecond: number) {
    this.#name = name;
    this.#eventsPerSecond = eventsPerSecond;
    this.#producer = new Producer({
      client,
      feed,
      producer: name,
      maxBatch: EVENTS_PER_BATCH,
      lingerMillis: 0,
      backoffMillis: BACKOFF_MILLIS,
    });
  }

  get resends(): number {
    return this.#producer.counts.resends;
  }

  /** When `until` aborts, ends after the batch in flight. */
  async run(until: AbortSignal): Promise<void> {
    const beganAt = performance.now();
    for (let batches = 1; !until.aborted; batches += 1) {
      const { position } = this.#producer;
      const events = Array.from({ length: EVENTS_PER_BATCH }, (_, index) => this.#event(position + index));
      const sent = await this.#producer.sendAll(events);
      events.forEach((event, index) => {
        this.accepted.push({ event: eventText(event), sequence: sent[index]?.sequence });
      });
      const dueAt = beganAt + (batches * EVENTS_PER_BATCH * 1000) / this.#eventsPerSecond;
      await pause(Math.max(0, dueAt - performance.now()));
    }
  }

  #event(number: number) {
    const timestamp = "2026-11-23T08:00:24.396+0000";
    const type = number % 3 === 0 ? "ChannelVarset" : "ChannelUserevent";
    return { type, timestamp, producer: this.#name, number, padding: "x".repeat(300) };
  }
}
