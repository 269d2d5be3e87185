import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { RelayClient } from "../../client/index.ts";
import { connectionVariables } from "../../local/connection.ts";
import { startEngines } from "../../local/engines/start.ts";
import { freePort } from "../../local/freePort.ts";
import { createClients, destroyClients } from "../../shared/aws/clients.ts";
import { tables } from "../../shared/aws/resources.ts";
import { eventually } from "../support/eventually.ts";
import { readFeedRows } from "../support/feedRows.ts";
import { violations } from "../support/invariants.ts";
import { randomByName } from "../support/randomness.ts";
import { RelayProcess } from "../support/relayProcess.ts";
import type { FeedRows, WatchedSession, Witnessed } from "../support/witnessed.ts";
import { BEHAVIOURS, Endpoints } from "./endpoints.ts";
import { type MemoryReport, MemorySamples } from "./memory.ts";
import { SteadyProducer } from "./producer.ts";

export interface TortureOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly eventsPerSecond: number;
  /** A process is killed after 0.5 to 1.5 times this. */
  readonly meanLifeSeconds: number;
  print(line: string): void;
}

export interface TortureReport {
  readonly accepted: number;
  readonly resends: number;
  readonly kills: number;
  readonly requests: number;
  readonly repeatedRequests: number;
  /** Memory of the last process, which is not killed and lives for the last 40 % of the time. */
  readonly memory: MemoryReport;
  readonly problems: readonly string[];
}

const FEED = "torture";
const PRODUCERS = 2;
const LAST_LIFE_SHARE = 0.4;
/** The longest backoff that failing endpoints reach here, plus a few sweeps. */
const SETTLE_MILLIS = 120_000;

const ENVIRONMENT = {
  RELAY_SEGMENT_SIZE: "500",
  RELAY_FREE_GRACE_SECONDS: "4",
  RELAY_SWEEP_SECONDS: "1",
  RELAY_REQUEST_TIMEOUT_SECONDS: "1",
};

/** Steady load on the whole relay, which is killed at random, restarted, and finally judged by the invariants. */
export async function tortureRelay(options: TortureOptions): Promise<TortureReport> {
  const directory = await mkdtemp(join(tmpdir(), "stasis-relay-torture-"));
  try {
    return await new RelayRun(options, directory, await freePort()).run();
  } finally {
    await rm(directory, { recursive: true });
  }
}

class RelayRun {
  readonly #options: TortureOptions;
  readonly #directory: string;
  readonly #port: number;
  readonly #client: RelayClient;
  readonly #random: (name: string) => number;
  readonly #sessions: WatchedSession[] = [];
  readonly #moves: NonNullable<Witnessed["moves"]>[number][] = [];
  #relay: RelayProcess | undefined;
  #kills = 0;

  constructor(options: TortureOptions, directory: string, port: number) {
    this.#options = options;
    this.#directory = directory;
    this.#port = port;
    this.#client = new RelayClient({ url: `http://127.0.0.1:${port}`, apiKey: "local" });
    this.#random = randomByName(options.seed);
  }

  async run(): Promise<TortureReport> {
    const { seconds, eventsPerSecond } = this.#options;
    await using endpoints = await Endpoints.start(this.#random);
    try {
      await this.#startRelay();
      for (const path of Object.keys(BEHAVIOURS)) await this.#createSession(endpoints.url(path));
      const producers = Array.from(
        { length: PRODUCERS },
        (_, index) => new SteadyProducer(this.#client, FEED, `bridge-${index}`, eventsPerSecond / PRODUCERS),
      );
      const over = AbortSignal.timeout(seconds * 1000);
      const producing = Promise.all(producers.map((producer) => producer.run(over)));
      await this.#killAtRandom(seconds * (1 - LAST_LIFE_SHARE));
      const memory = await this.#watchMemory(over);
      await producing;
      const accepted = producers.flatMap((producer) => producer.accepted);
      await this.#untilSettled(accepted.length);
      const stopped = await this.#relay?.end("SIGTERM");

      const { deliveries } = endpoints;
      const witnessed = { accepted, deliveries, sessions: this.#sessions, moves: this.#moves };
      const report = memory.report();
      return {
        accepted: accepted.length,
        resends: producers.reduce((sum, { resends }) => sum + resends, 0),
        kills: this.#kills,
        requests: deliveries.length,
        repeatedRequests: deliveries.length - new Set(deliveries.map(({ id }) => id)).size,
        memory: report,
        problems: [
          ...violations(await this.#rows(), witnessed),
          ...(stopped === 0 ? [] : [`the relay ended with ${stopped}`]),
          ...(report.isFlat === false ? [`memory grew: ${JSON.stringify(report)}`] : []),
        ],
      };
    } finally {
      await this.#relay?.[Symbol.asyncDispose]();
    }
  }

  async #startRelay(): Promise<void> {
    this.#relay = await RelayProcess.start(this.#port, { ...ENVIRONMENT, RELAY_DATA_DIR: this.#directory });
  }

  async #createSession(url: string): Promise<void> {
    const { id, next } = await this.#client.createSession({ feed: FEED, url, maxBatch: 50 });
    this.#sessions.push({ session: id, start: next, mustReachTail: true });
  }

  async #killAtRandom(forSeconds: number): Promise<void> {
    const { meanLifeSeconds, print } = this.#options;
    const endsAt = performance.now() + forSeconds * 1000;
    for (;;) {
      const lifeMillis = meanLifeSeconds * 1000 * (0.5 + this.#random("life"));
      const leftMillis = endsAt - performance.now();
      if (lifeMillis > leftMillis) return pause(Math.max(0, leftMillis));
      await pause(lifeMillis);
      await this.#noteMoves();
      await this.#relay?.end("SIGKILL");
      this.#kills += 1;
      await this.#startRelay();
      print(`killed and restarted (${this.#kills})`);
    }
  }

  /** Takes a sample per second until the time is over. */
  async #watchMemory(over: AbortSignal): Promise<MemorySamples> {
    const memory = new MemorySamples();
    while (!over.aborted) {
      await memory.sample(this.#relay?.processId ?? 0);
      await this.#noteMoves();
      await pause(1000);
    }
    return memory;
  }

  async #noteMoves(): Promise<void> {
    for await (const { id, next } of this.#client.listSessions())
      if (next !== null) this.#moves.push({ session: id, generation: 1, next });
  }

  /** Waits until every session is at the tail and only the tail's segment is held. */
  async #untilSettled(accepted: number): Promise<void> {
    const size = Number(ENVIRONMENT.RELAY_SEGMENT_SIZE);
    const settled = async () => {
      const sessions = await Array.fromAsync(this.#client.listSessions());
      const { head, tail } = await this.#client.feed(FEED);
      const isFreed = head === Math.floor((tail - 1) / size) * size + 1;
      return tail >= accepted && isFreed && sessions.every(({ next }) => next === tail + 1);
    };
    await eventually("all sessions at the tail, and all other segments freed", settled, SETTLE_MILLIS).catch(
      (error: unknown) => {
        this.#options.print(String(error));
      },
    );
  }

  /** The tables as left by the last process. */
  async #rows(): Promise<FeedRows> {
    await using engines = new AsyncDisposableStack();
    const { endpoints, credentials } = await startEngines(engines, {}, this.#directory);
    const clients = createClients(connectionVariables({}, endpoints, credentials));
    engines.defer(() => destroyClients(clients));
    const tableNames = { queue: tables.queue.name, cursors: tables.cursors.name };
    return await readFeedRows(clients.documents, tableNames, FEED);
  }
}
