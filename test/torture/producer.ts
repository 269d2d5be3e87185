import { setTimeout as pause } from "node:timers/promises";
import { eventText, type Witnessed } from "../support/witnessed.ts";

const EVENTS_PER_BATCH = 10;

/** A bridge to one Asterisk: sends at a steady rate, and sends again, with the same positions, until it is answered. */
export class Producer {
  readonly accepted: Witnessed["accepted"][number][] = [];
  resends = 0;
  readonly #name: string;
  readonly #url: string;
  readonly #eventsPerSecond: number;

  constructor(name: string, url: string, eventsPerSecond: number) {
    this.#name = name;
    this.#url = url;
    this.#eventsPerSecond = eventsPerSecond;
  }

  /** Ends after the batch that is under way when `until` aborts. */
  async run(until: AbortSignal): Promise<void> {
    const beganAt = performance.now();
    for (let sent = 0; !until.aborted; sent += 1) {
      const position = sent * EVENTS_PER_BATCH + 1;
      const events = Array.from({ length: EVENTS_PER_BATCH }, (_, index) => this.#event(position + index));
      const { first, last } = await this.#sendUntilAccepted(position, events);
      // Batches that share a page with others may be torn by a segment's border; then only the events are known.
      const isWhole = last - first + 1 === EVENTS_PER_BATCH;
      events.forEach((event, index) => {
        this.accepted.push({ event: eventText(event), sequence: isWhole ? first + index : undefined });
      });
      const dueAt = beganAt + ((sent + 1) * EVENTS_PER_BATCH * 1000) / this.#eventsPerSecond;
      await pause(Math.max(0, dueAt - performance.now()));
    }
  }

  #event(number: number) {
    const timestamp = "2026-11-23T08:00:24.396+0000";
    const type = number % 3 === 0 ? "ChannelVarset" : "ChannelUserevent";
    return { type, timestamp, producer: this.#name, number, padding: "x".repeat(300) };
  }

  async #sendUntilAccepted(
    position: number,
    events: readonly object[],
  ): Promise<{ first: number; last: number }> {
    for (;;) {
      try {
        const answer = await fetch(this.#url, {
          method: "POST",
          headers: {
            authorization: "Bearer local",
            "content-type": "application/json",
            "relay-producer": this.#name,
            "relay-position": String(position),
          },
          body: JSON.stringify(events),
        });
        const body = await answer.text();
        if (answer.status === 202) return JSON.parse(body) as { first: number; last: number };
        if (answer.status < 500) throw new RangeError(`the relay refused a batch: ${answer.status} ${body}`);
      } catch (error) {
        if (error instanceof RangeError) throw error;
        // Killed, or not yet there again: whether the batch was appended is not known.
      }
      this.resends += 1;
      await pause(50);
    }
  }
}
