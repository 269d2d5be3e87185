import { type AcceptedEvent, acceptedAs, eventText } from "../support/witnessed.ts";
import type { RunContext } from "./runContext.ts";
import type { Batch, WorldFeed } from "./world.ts";

interface IngestProcess {
  readonly name: string;
  readonly ingest: ReturnType<WorldFeed["ingest"]>;
}

/** Producers that send one batch at a time until it is accepted. If a producer's ingest process dies, it resends. */
export class Producers {
  /** The events that the relay reported as accepted. */
  readonly accepted: AcceptedEvent[] = [];
  readonly #run: RunContext;
  readonly #newProcess: () => IngestProcess;
  readonly #resend = new Map<string, () => void>();

  constructor(run: RunContext, newProcess: () => IngestProcess) {
    this.#run = run;
    this.#newProcess = newProcess;
  }

  /** @param accepted number of batches already accepted */
  produce(producer: string, batches: number, accepted = 0): void {
    const { name, ingest } = this.#newProcess();
    let sent = accepted;
    this.#resend.set(name, () => this.produce(producer, batches, sent));
    this.#run.scheduler.start(name, async () => {
      while (sent < batches) {
        const batch = this.#batch(producer, sent);
        this.#run.appendBegins(name);
        const numbers = await ingest(batch);
        if (numbers === undefined) continue;
        this.accepted.push(...acceptedAs(batch.events.map(eventText), numbers));
        sent += 1;
      }
      this.#resend.delete(name);
    });
  }

  #batch(producer: string, sent: number): Batch {
    const { eventsPerBatch } = this.#run.setup;
    const position = sent * eventsPerBatch + 1;
    const events = Array.from({ length: eventsPerBatch }, (_, index) => ({
      type: "A",
      producer,
      number: position + index,
    }));
    return { producer, position, events };
  }

  died(process: string): void {
    const resend = this.#resend.get(process);
    this.#resend.delete(process);
    resend?.();
  }
}
