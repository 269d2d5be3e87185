import { eventText } from "../support/witnessed.ts";
import type { RunContext } from "./runContext.ts";
import type { Batch, WorldFeed } from "./world.ts";

interface IngestProcess {
  readonly name: string;
  readonly ingest: ReturnType<WorldFeed["ingest"]>;
}

/** Producers that send batch after batch until each is accepted. One whose ingest process dies sends again. */
export class Producers {
  /** What they were told is taken. */
  readonly accepted: { event: string; sequence: number | undefined }[] = [];
  readonly #run: RunContext;
  readonly #newProcess: () => IngestProcess;
  readonly #resend = new Map<string, () => void>();

  constructor(run: RunContext, newProcess: () => IngestProcess) {
    this.#run = run;
    this.#newProcess = newProcess;
  }

  /** @param sent batches that are accepted already */
  produce(producer: string, batches: number, sent = 0, process = this.#newProcess()): void {
    if (sent === batches) return;
    const batch = this.#batch(producer, sent);
    const { name, ingest } = process;
    this.#resend.set(name, () => this.produce(producer, batches, sent));
    this.#run.appendBegins(name);
    this.#run.scheduler.start(name, async () => {
      const numbers = await ingest(batch);
      this.#resend.delete(name);
      if (numbers === undefined) return this.produce(producer, batches, sent, process);
      const { first, last } = numbers;
      const isWhole = last - first + 1 === batch.events.length || first > last;
      for (const [index, event] of batch.events.entries())
        this.accepted.push({ event: eventText(event), sequence: isWhole ? first + index : undefined });
      this.produce(producer, batches, sent + 1, process);
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
