import { isDeepStrictEqual } from "node:util";
import { RelayClient } from "../client/relayClient.ts";
import type { Clock } from "../shared/runtime/clock.ts";
import type { Log } from "../shared/runtime/log.ts";
import type { Resolved, ResolvedPbx } from "./config/resolve.ts";
import type { PbxStatus } from "./outside/status.ts";
import { Pbx } from "./pbx.ts";
import type { Source } from "./source.ts";
import { amiSource } from "./sources/ami/amiSource.ts";
import { ariSource } from "./sources/ari/ariSource.ts";
import { OutboundListener } from "./sources/outbound/outboundListener.ts";
import { spoolPath } from "./spool/spoolPath.ts";
import { SpoolThread } from "./spool/spoolThread.ts";
import type { StateWatchTimes } from "./stateWatch.ts";
import { USER_AGENT } from "./version.ts";

export interface BridgeParts {
  readonly clock: Clock;
  readonly log: Log;
  newId(): string;
  readonly watchTimes?: Partial<StateWatchTimes>;
  /** How long a stopping bridge goes on shipping; 10 s if absent. systemd kills after 90 s. */
  readonly shipWithinMillis?: number;
}

/** How long a PBX whose spool cannot be opened waits for the next attempt: a full disk, or a bridge that still stops. */
const RETRY_MILLIS = 15_000;

/** What runs for one PBX, and the configuration that it was made with. */
interface Running {
  readonly config: ResolvedPbx;
  readonly pbx: Pbx | undefined;
  /** Why it does not run. It is tried again. */
  readonly trouble: string | undefined;
  readonly retry?: NodeJS.Timeout;
}

/** All PBXs of one process. A PBX that fails leaves the others alone. */
export class Bridge {
  readonly #parts: BridgeParts;
  readonly #spools = new SpoolThread();
  readonly #running = new Map<string, Running>();
  #config: Resolved;
  #listener: OutboundListener | undefined;

  private constructor(config: Resolved, parts: BridgeParts) {
    this.#config = config;
    this.#parts = parts;
  }

  /** Starts every PBX that can be started. Neither a PBX nor the relay needs to be there yet. */
  static async start(config: Resolved, parts: BridgeParts): Promise<Bridge> {
    const bridge = new Bridge(config, parts);
    if (config.listen !== undefined) {
      bridge.#listener = new OutboundListener(config.listen);
      const port = await bridge.#listener.listen();
      parts.log.info("Asterisks may dial in", { host: config.listen.host, port });
    }
    await Promise.all(config.pbxs.map((pbx) => bridge.#add(pbx)));
    return bridge;
  }

  /**
   * Takes a new configuration: adds, removes and restarts only the PBXs that changed. What belongs to the process needs
   * a restart of it.
   */
  async reload(config: Resolved): Promise<void> {
    const { log } = this.#parts;
    if (
      !isDeepStrictEqual(config.outside, this.#config.outside) ||
      !isDeepStrictEqual(config.listen, this.#config.listen)
    )
      log.warn("changes of outside and listen need a restart of the bridge");
    const isSame = isDeepStrictEqual([config.relay, config.spool], [this.#config.relay, this.#config.spool]);
    const wanted = new Map(config.pbxs.map((pbx) => [pbx.feed, pbx]));
    const stopped = [...this.#running].filter(
      ([feed, { config: before, pbx }]) =>
        !isSame || pbx === undefined || !isDeepStrictEqual(before, wanted.get(feed)),
    );
    await Promise.all(stopped.map(([feed]) => this.#remove(feed)));
    this.#config = config;
    const added = config.pbxs.filter(({ feed }) => !this.#running.has(feed));
    await Promise.all(added.map((pbx) => this.#add(pbx)));
    const unchanged = this.#running.size - added.length;
    log.info("the configuration was read again", {
      started: added.length,
      stopped: stopped.length,
      unchanged,
    });
  }

  /** Resolves when nothing can be stored any more, in no spool, until the process starts again. */
  get failed(): Promise<Error> {
    return this.#spools.failed;
  }

  statuses(): PbxStatus[] {
    return [...this.#running.values()].map(({ config, pbx, trouble }) =>
      pbx === undefined ? failedStatus(config.feed, trouble) : pbx.status(),
    );
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((feed) => this.#remove(feed)));
    await this.#listener?.close();
    await this.#spools.stop();
  }

  async #add(config: ResolvedPbx): Promise<void> {
    const { clock, newId, watchTimes } = this.#parts;
    const { feed } = config;
    const log = withFacts(this.#parts.log, { feed });
    try {
      const { directory, limits } = this.#config.spool;
      const spool = await this.#spools.open({
        path: spoolPath(directory, feed),
        limits,
        onCorrupt: ({ movedTo, message }) =>
          log.error("the spool was damaged; it was moved aside", { movedTo, error: message }),
      });
      const { url, key } = this.#config.relay;
      const pbx = await Pbx.create({
        feed,
        main: this.#sourceOf(config),
        rest: config.rest && amiSource(config.rest),
        spool,
        client: new RelayClient({ url, apiKey: key, userAgent: USER_AGENT }),
        clock,
        log,
        newId,
        ...(watchTimes && { watchTimes }),
      });
      this.#running.set(feed, { config, pbx, trouble: undefined });
      pbx.start();
    } catch (error) {
      const trouble = error instanceof Error ? error.message : String(error);
      if (trouble !== this.#running.get(feed)?.trouble)
        log.error("this PBX cannot be started yet; the others run", { error: trouble });
      const retry = setTimeout(() => void this.#add(config), RETRY_MILLIS);
      this.#running.set(feed, { config, pbx: undefined, trouble, retry });
    }
  }

  async #remove(feed: string): Promise<void> {
    const running = this.#running.get(feed);
    clearTimeout(running?.retry);
    await running?.pbx?.stop(this.#parts.shipWithinMillis ?? 10_000);
    if (running?.config.main.kind === "outbound") this.#listener?.remove(running.config.main.access);
    this.#running.delete(feed);
  }

  #sourceOf({ main }: ResolvedPbx): Source {
    if (main.kind === "ari") return ariSource(main.ari);
    if (main.kind === "ami") return amiSource(main.ami);
    if (this.#listener === undefined) throw new Error("the bridge does not listen for Asterisks: restart it");
    return this.#listener.source(main.access, main.app);
  }
}

function failedStatus(feed: string, trouble: string | undefined): PbxStatus {
  return {
    feed,
    link: "down",
    linkTrouble: undefined,
    restLink: undefined,
    restTrouble: undefined,
    spoolTrouble: trouble,
    relayTrouble: undefined,
    counts: { received: 0, spooled: 0, shipped: 0, refused: 0, dropped: 0, reconnects: 0, gaps: {} },
    spool: { records: 0, bytes: 0, oldestReceivedAtEpochMillis: undefined },
  };
}

function withFacts(log: Log, own: Record<string, unknown>): Log {
  return {
    info: (message, facts) => log.info(message, { ...own, ...facts }),
    warn: (message, facts) => log.warn(message, { ...own, ...facts }),
    error: (message, facts) => log.error(message, { ...own, ...facts }),
  };
}
