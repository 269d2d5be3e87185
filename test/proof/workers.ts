import type { HintMessage, HintQueue } from "./hintQueues.ts";
import type { Setup } from "./setup.ts";
import type { Run, Worker, WorldFeed } from "./world.ts";

/** A notify or deliver process. Like Lambda's, it stays alive between two invocations. */
interface WorkerProcess {
  readonly name: string;
  readonly kind: Kind;
  readonly work: Worker;
}

interface Held {
  readonly queue: HintQueue;
  readonly messages: readonly HintMessage[];
}

type Kind = "notify" | "deliver";

/** The processes that handle hints. When a process fails or dies, its undeleted messages become visible again. */
export class Workers {
  readonly #run: Run;
  readonly #feed: WorldFeed;
  readonly #newName: (kind: Kind) => string;
  readonly #processes: WorkerProcess[] = [];
  /** The messages in flight, by process. */
  readonly #held = new Map<string, Held>();
  /** Whether any lease may have been taken. */
  hasDelivered = false;

  constructor(run: Run, feed: WorldFeed, newName: (kind: Kind) => string) {
    this.#run = run;
    this.#feed = feed;
    this.#newName = newName;
  }

  /** The messages that the queues could deliver now. */
  options(): { label: string; take: () => void }[] {
    return (["notify", "wake", "slow"] as const).flatMap((queue) => this.#options(queue));
  }

  #options(queue: HintQueue): { label: string; take: () => void }[] {
    const { hints, setup, random, nowEpochMillis } = this.#run;
    const visible = hints.visible(queue, nowEpochMillis);
    const process = visible.length > 0 ? this.#idle(queue === "notify" ? "notify" : "deliver") : undefined;
    if (process === undefined) return [];
    const messages = visible.slice(0, 1 + Math.floor(random() * setup.messagesAtOnce));
    return [
      {
        label: `queue gives ${process.name} ${messages.length} ${queue} messages`,
        take: () => this.#start(process, { queue, messages }),
      },
    ];
  }

  #idle(kind: Kind): WorkerProcess | undefined {
    const processes = this.#processes.filter((process) => process.kind === kind);
    const idle = processes.find(({ name }) => !this.#held.has(name));
    if (idle || processes.length >= mostOf(kind, this.#run.setup)) return idle;
    const name = this.#newName(kind);
    const process = { name, kind, work: this.#feed[kind](name) };
    this.#processes.push(process);
    return process;
  }

  #start({ name, work }: WorkerProcess, held: Held): void {
    const { hints, scheduler } = this.#run;
    hints.take(held.queue, held.messages);
    this.hasDelivered ||= held.queue !== "notify";
    this.#held.set(name, held);
    scheduler.start(name, async () => {
      const failed = await work(held.messages);
      this.#held.delete(name);
      this.#giveBack({ ...held, messages: held.messages.filter(({ id }) => failed.includes(id)) });
    });
  }

  #giveBack({ queue, messages }: Held, visibleAfterMillis = this.#run.setup.visibilityMillis): void {
    const visibleAtEpochMillis = this.#run.nowEpochMillis + visibleAfterMillis;
    for (const message of messages) this.#run.hints.put(queue, { ...message, visibleAtEpochMillis });
  }

  /** The process has died. */
  died(name: string): void {
    const index = this.#processes.findIndex((process) => process.name === name);
    if (index >= 0) this.#processes.splice(index, 1);
    const held = this.#held.get(name);
    this.#held.delete(name);
    if (held) this.#giveBack(held);
  }

  /** The visibility timeout has passed, so SQS redelivers messages that slow processes still work on. */
  visibilityIsOver(): void {
    for (const held of this.#held.values()) this.#giveBack(held, 0);
  }
}

function mostOf(kind: Kind, { notifiers, deliverers }: Setup): number {
  return kind === "notify" ? notifiers : deliverers;
}
