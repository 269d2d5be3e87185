import { fork } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { startGateway } from "../../gateway/gateway.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Order } from "../../tools/bench/amiReaders.ts";
import { reported } from "../../tools/bench/gateway.ts";
import { amiUser, FEED, MemoryPositions } from "../support/gatewayUnderTest.ts";
import { recordedAmi } from "../support/recordedAmi.ts";
import { ReplayedFeed } from "../support/replayedFeed.ts";
import { type MemoryReport, MemorySamples } from "./memory.ts";

export interface ReplayOptions {
  readonly events: number;
  readonly clients: number;
  readonly samplesPerSecond: number;
  /** The process is still warming up: its growth says nothing. */
  readonly isShort?: boolean;
}

export interface ReplayReport {
  readonly events: number;
  readonly seconds: number;
  /** What is in use after a collection: V8's heap and buffers outside of it. */
  readonly inUse: MemoryReport;
  readonly residentPeakMegabytes: number;
  readonly problems: readonly string[];
}

/** The feed goes on when every client that reads has come so near. */
const MOST_AHEAD = 5_000;

/** Three quarters of a task (infra/gatewayTask.ts). V8 lets garbage pile up as long as it sees room. */
const MOST_RESIDENT_MEGABYTES = 768;

const CLIENTS = new URL("../../tools/bench/amiReaders.ts", import.meta.url).pathname;

/**
 * Replays a busy PBX through a gateway as fast as its clients read, and watches its memory. One more client reads nothing
 * from its login on. The clients have a process of their own, and the feed's pages are made on demand.
 */
export async function replayThroughGateway(options: ReplayOptions): Promise<ReplayReport> {
  const { clients, samplesPerSecond, isShort = false } = options;
  const messages = await recordedAmi();
  const feed = new ReplayedFeed(FEED, messages);
  const users = new Map(
    Array.from({ length: 1 + clients }, (_, index) => {
      const user = amiUser({ username: `user${index}`, resume: true });
      return [user.username, user] as const;
    }),
  );
  const positions = new MemoryPositions(feed);
  const problems: string[] = [];
  const problem = (message: string) => void problems.push(message);
  const log: Log = { info: () => {}, warn: problem, error: problem };
  const gateway = await startGateway({
    users: { find: async (username) => users.get(username) },
    positions,
    queue: {
      pages: feed.reader(),
      tails: feed,
      clock: systemClock,
      retention: { millis: 86_400_000, messages: 50_000_000 },
    },
    log,
    // The client that reads nothing stays.
    limits: { writeTimeoutMillis: 86_400_000 },
    listen: { host: "127.0.0.1", port: 0 },
  });
  const child = fork(CLIENTS);
  try {
    const pages = Math.ceil(options.events / feed.pageMessages);
    const expectedBytes = feed.textBytes(pages);
    const order: Order = {
      port: gateway.ports.port ?? 0,
      clients: [...users.keys()].map((username) => ({ username, expectedBytes })),
      stalled: 1,
      timed: 0,
    };
    child.send(order);
    await reported(child, "ready");
    const done = reported(child, "done");
    const watch = new MemoryWatch(samplesPerSecond);
    const beganAt = performance.now();
    const readers = [...users.values()].slice(1).map(({ session }) => session);
    for (let page = 0; page < pages; page += 1) {
      while (feed.next() - Math.min(...readers.map((id) => positions.next.get(id) ?? 1)) > MOST_AHEAD)
        await pause(1);
      feed.appendPage();
    }
    await done;
    watch.stop();
    const { inUse, residentPeakMegabytes } = watch;
    return {
      events: feed.next() - 1,
      seconds: Math.round((performance.now() - beganAt) / 1000),
      inUse,
      residentPeakMegabytes,
      problems: [
        ...problems,
        ...(inUse.isFlat || isShort ? [] : [`the memory in use grew: ${JSON.stringify(inUse)}`]),
        ...(residentPeakMegabytes <= MOST_RESIDENT_MEGABYTES
          ? []
          : [`the resident memory reached ${residentPeakMegabytes} MB`]),
        ...(gateway.connections === users.size ? [] : [`${gateway.connections} connections are left`]),
      ],
    };
  } finally {
    child.kill();
    await gateway.stop();
  }
}

/** Samples of this process's memory. */
class MemoryWatch {
  readonly #inUse = new MemorySamples();
  readonly #timer: NodeJS.Timeout;
  #residentPeakBytes = 0;

  constructor(perSecond: number) {
    const collect = garbageCollection();
    this.#timer = setInterval(() => {
      this.#residentPeakBytes = Math.max(this.#residentPeakBytes, process.memoryUsage.rss());
      collect();
      const { heapUsed, external } = process.memoryUsage();
      this.#inUse.add(heapUsed + external);
    }, 1000 / perSecond);
  }

  get inUse(): MemoryReport {
    return this.#inUse.report();
  }

  get residentPeakMegabytes(): number {
    return Math.round(this.#residentPeakBytes / 2 ** 20);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function garbageCollection(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("V8 gives no access to its collector");
  return () => void collect();
}
