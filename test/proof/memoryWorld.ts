import { deliver } from "../../functions/deliver/deliver.ts";
import { Appender } from "../../functions/ingest/append.ts";
import type { AppendResult } from "../../functions/ingest/appendResult.ts";
import { type NotifyParts, notify } from "../../functions/notify/notify.ts";
import { sweep } from "../../functions/sweep/sweep.ts";
import { AppendTimeoutError } from "../../shared/errors.ts";
import { createFollowers } from "../../shared/queue/follower.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import type { Cursor } from "../../shared/sessions/cursor.ts";
import { createJudges } from "../../shared/sessions/judge.ts";
import { SharedMessages } from "../../shared/webhook/sharedMessages.ts";
import type { WebhookRequest } from "../../shared/webhook/webhookClient.ts";
import { FEED, type Gate, MemoryRelay, noGroups } from "../support/memoryRelay.ts";
import { jsonOf } from "../support/webhookBodies.ts";
import type { FeedRows } from "../support/witnessed.ts";
import type { Batch, Numbers, Run, Worker, World, WorldFeed } from "./world.ts";

/** Deliver's access to the tables: the part that a wrong port replaces. */
export interface DeliverPorts {
  readonly cursors: ReturnType<MemoryRelay["cursorStore"]>;
  readonly pages: ReturnType<MemoryRelay["pageReader"]>;
}

/** Ports that open a race by replacing the right ones. */
export interface WrongPorts {
  notify?(parts: NotifyParts, relay: MemoryRelay, gate: Gate): NotifyParts;
  deliver?(ports: DeliverPorts, relay: MemoryRelay, gate: Gate): DeliverPorts;
}

/** One for all runs: it remembers nothing of sessions without event filters, and making it takes longer than a run. */
const judgeOf = createJudges(() => 0, systemClock);

/** The use cases over tables and queues in memory: thousands of schedules take seconds. */
export class MemoryWorld implements World {
  static readonly lacks: World["lacks"] = ["awsFaults", "wishes"];
  readonly lacks = MemoryWorld.lacks;
  readonly #wrong: WrongPorts;

  constructor(wrong: WrongPorts = {}) {
    this.#wrong = wrong;
  }

  lend<T>(run: Run, use: (feed: WorldFeed) => Promise<T>): Promise<T> {
    return use(new MemoryFeed(run, this.#wrong));
  }
}

class MemoryFeed implements WorldFeed {
  readonly #run: Run;
  readonly #wrong: WrongPorts;
  readonly #relay: MemoryRelay;
  #sessions = 0;
  #pages = 0;

  constructor(run: Run, wrong: WrongPorts) {
    this.#run = run;
    this.#wrong = wrong;
    this.#relay = new MemoryRelay(run.settings.segmentSize);
  }

  async createSession(): Promise<void> {
    this.#relay.nowEpochMillis = this.#run.nowEpochMillis;
    this.#relay.addSession(`s${this.#sessions++}`);
  }

  async fulfil(): Promise<void> {
    throw new Error("the API needs real tables");
  }

  ingest(process: string): (batch: Batch) => Promise<Numbers | undefined> {
    const gate = this.#gateOf(process);
    const untilTimeout: Gate = async (operation) => {
      await gate(operation);
      if (operation.startsWith("puts") && !this.#run.mayPut(process))
        throw new AppendTimeoutError({ feed: FEED, timeoutMillis: this.#run.settings.appendTimeoutMillis });
    };
    const appender = new Appender({
      ...this.#parts(process),
      store: this.#relay.appendStore(untilTimeout),
      sendNotify: async (hint) => {
        await gate("sends the notify");
        this.#run.hints.send("notify", JSON.stringify(hint), this.#run.nowEpochMillis);
      },
      newAppendId: () => `page-${this.#pages++}`,
    });
    return async ({ producer, position, events }) => {
      const submission = {
        producer: { id: producer, position },
        events: events.map((event) => ({
          event: { type: "A", timestamp: undefined, text: JSON.stringify(event), body: { ...event } },
        })),
      };
      try {
        const [result] = await appender.append(FEED, [submission]);
        const { first, last } = result as AppendResult;
        return { first, last };
      } catch (error) {
        if (error instanceof AppendTimeoutError) return undefined;
        throw error;
      }
    };
  }

  notify(process: string): Worker {
    const gate = this.#gateOf(process);
    const right: NotifyParts = {
      ...noGroups,
      tails: this.#relay.tailSource(gate),
      cursors: this.#relay.cursorStore(gate),
      wakes: this.#wakeSender(gate),
      clock: this.#run.clockOf(process),
    };
    const parts = this.#wrong.notify?.(right, this.#relay, gate) ?? right;
    return async (messages) => {
      await notify(
        parts,
        FEED,
        messages.map(({ body }) => JSON.parse(body)),
      );
      return [];
    };
  }

  deliver(process: string): Worker {
    const gate = this.#gateOf(process);
    const right = { cursors: this.#relay.cursorStore(gate), pages: this.#relay.pageReader(gate) };
    const { cursors, pages } = this.#wrong.deliver?.(right, this.#relay, gate) ?? right;
    const shared = this.#parts(process);
    const parts = {
      ...shared,
      cursors,
      followerOf: createFollowers(pages, shared.clock),
      sessions: this.#relay.sessionStore(),
      wakes: this.#wakeSender(gate),
      webhook: {
        post: ({ id, body }: Pick<WebhookRequest, "id" | "body">) =>
          this.#run.post(process, { id, body: jsonOf(body) }),
      },
      sharedMessages: new SharedMessages(),
      attempts: { record: async () => {} },
      judgeOf,
      stopping: new AbortController().signal,
    };
    const { turnMillis } = this.#run.settings;
    return async (messages) => {
      const wakes = new Set(messages.map(({ body }) => body));
      await Promise.all(
        [...wakes].map((body) =>
          deliver(parts, JSON.parse(body), this.#run.setup.shortTurns ? 0 : turnMillis),
        ),
      );
      return [];
    };
  }

  sweep(process: string): () => Promise<void> {
    const gate = this.#gateOf(process);
    const parts = {
      ...this.#relay.sweepStores(gate),
      ...this.#parts(process),
      tails: this.#relay.tailSource(gate),
      cursors: this.#relay.cursorStore(gate),
      wakes: this.#wakeSender(gate),
    };
    return async () => void (await sweep(parts));
  }

  async rows(): Promise<FeedRows> {
    return this.#relay.rows();
  }

  moves() {
    return this.#relay.moves;
  }

  problems(): string[] {
    const { appended } = this.#relay;
    return new Set(appended).size === appended.length ? [] : ["a number was assigned twice"];
  }

  #gateOf(process: string): Gate {
    return this.#run.scheduler.gateOf(process);
  }

  /** The parts that every process has. */
  #parts(process: string) {
    const { log, random, settings } = this.#run;
    return { clock: this.#run.clockOf(process), log, metrics: silentMetrics, random, settings };
  }

  #wakeSender(gate: Gate) {
    const { hints } = this.#run;
    const send = ({ feed, session, lane }: Cursor, delayMillis = 0) =>
      hints.send(
        lane === "fast" ? "wake" : "slow",
        JSON.stringify({ feed, session }),
        this.#run.nowEpochMillis + delayMillis,
      );
    return {
      sendWake: async (cursor: Cursor, delayMillis?: number) => {
        await gate("sends a wake");
        send(cursor, delayMillis);
      },
      sendWakes: async (cursors: readonly Cursor[]) => {
        if (cursors.length > 0) await gate("sends wakes");
        for (const cursor of cursors) send(cursor);
        return [...cursors];
      },
    };
  }
}
