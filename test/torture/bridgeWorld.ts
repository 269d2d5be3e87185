import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../local/freePort.ts";
import { readAmiEvents } from "../../shared/ami/amiEvents.ts";
import { FaultyNetwork } from "../support/asterisk/faultyNetwork.ts";
import { Journal } from "../support/asterisk/journal.ts";
import { PbxProcess } from "../support/asterisk/pbxProcess.ts";
import { BridgeProcess } from "../support/bridgeProcess.ts";
import { RelayProcess } from "../support/relayProcess.ts";
import { eventText, type HandedOverEvent } from "../support/witnessed.ts";

/** The feeds, each with its source. */
export const FEEDS = ["ari", "outbound", "ami"] as const;
export type Feed = (typeof FEEDS)[number];

/** The relay frees nothing: what the queue has is judged at the end. */
const RELAY_ENVIRONMENT = { RELAY_SEGMENT_SIZE: "2000", RELAY_FREE_GRACE_SECONDS: "86400" };
/** Each life of the PBX numbers its events from another million on. */
const NUMBERS_A_LIFE = 1_000_000;

interface Networks {
  readonly relay: FaultyNetwork;
  readonly ari: FaultyNetwork;
  readonly ami: FaultyNetwork;
  readonly outbound: FaultyNetwork;
}

/** A PBX, a bridge and a relay, each a process of its own, with a faulty network between each two of them. */
export class BridgeWorld implements AsyncDisposable {
  readonly networks: Networks;
  readonly #directory: string;
  readonly #ports: { readonly relay: number; readonly ari: number; readonly ami: number };
  readonly #config: string;
  readonly #eventsPerSecond: number;
  readonly #outsidePort: number;
  readonly #epochs: string[] = [];
  #relay: RelayProcess | undefined;
  #bridge: BridgeProcess | undefined;
  #pbx: PbxProcess | undefined;

  private constructor(
    directory: string,
    eventsPerSecond: number,
    networks: Networks,
    ports: { relay: number; ari: number; ami: number; listen: number; outside: number },
  ) {
    this.#directory = directory;
    this.#eventsPerSecond = eventsPerSecond;
    this.networks = networks;
    this.#ports = ports;
    this.#outsidePort = ports.outside;
    this.#config = configFile(directory, networks, ports);
  }

  /**
   * Starts everything.
   * @param pieceBytes the length of the next piece of bytes that the networks of the PBX pass on
   */
  static async start(
    directory: string,
    eventsPerSecond: number,
    pieceBytes: () => number,
  ): Promise<BridgeWorld> {
    const [relay, ari, ami, listen, outside] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const networks = {
      relay: await FaultyNetwork.start(relay),
      ari: await FaultyNetwork.start(ari, pieceBytes),
      ami: await FaultyNetwork.start(ami, pieceBytes),
      outbound: await FaultyNetwork.start(listen, pieceBytes),
    };
    const ports = { relay, ari, ami, listen, outside };
    const world = new BridgeWorld(directory, eventsPerSecond, networks, ports);
    await Promise.all([world.startRelay(), world.startPbx()]);
    world.startBridge();
    return world;
  }

  async startRelay(): Promise<void> {
    this.#relay = await RelayProcess.start(this.#ports.relay, {
      ...RELAY_ENVIRONMENT,
      RELAY_DATA_DIR: this.relayDirectory,
    });
  }

  startBridge(): void {
    this.#bridge = new BridgeProcess(this.#config);
  }

  async startPbx(): Promise<void> {
    const life = this.#epochs.length;
    const { ari, ami } = this.#ports;
    // Manager tells its start to the second.
    const epoch = new Date(1000 * Math.floor(Date.now() / 1000)).toISOString();
    this.#epochs.push(epoch);
    this.#pbx = await PbxProcess.start({
      "ari-port": ari,
      "ami-port": ami,
      outbound: `ws://branch:secret@127.0.0.1:${this.networks.outbound.port}/branch`,
      journal: this.#journal(life),
      "per-second": this.#eventsPerSecond,
      first: life * NUMBERS_A_LIFE,
      "started-at": epoch,
      "write-timeout": 1_000,
    });
  }

  async killRelay(): Promise<void> {
    await this.#relay?.end("SIGKILL");
  }

  async killBridge(): Promise<void> {
    await this.#bridge?.end("SIGKILL");
  }

  async killPbx(): Promise<void> {
    await this.#pbx?.kill();
  }

  quiet(): void {
    this.#pbx?.quiet();
  }

  get client() {
    return this.#relay?.client;
  }

  get relayDirectory(): string {
    return join(this.#directory, "relay");
  }

  get bridgeOutput(): string {
    return this.#bridge?.output ?? "";
  }

  /** Whether every link is up and the relay takes events. */
  async isCalm(): Promise<boolean> {
    const text = await fetch(`http://127.0.0.1:${this.#outsidePort}/metrics`).then(
      (answer) => answer.text(),
      () => "",
    );
    const all = (name: string, value: number) =>
      FEEDS.every((feed) => text.includes(`stasis_relay_bridge_${name}{feed="${feed}"} ${value}\n`));
    return all("link_up", 1) && all("relay_up", 1);
  }

  /** Ends the bridge and the relay as systemd does. Returns their exit codes. */
  async stop(): Promise<unknown[]> {
    const bridge = await this.#bridge?.end("SIGTERM");
    return [bridge, await this.#relay?.end("SIGTERM")];
  }

  /** What the PBX handed over to the bridge for each feed, in order. */
  handedOver(feed: Feed): HandedOverEvent[] {
    return this.#epochs.flatMap((epoch, life) => {
      const path = this.#journal(life);
      const entries = existsSync(path) ? Journal.read(path) : [];
      return entries
        .filter(({ socket }) => socket.startsWith(`${feed}-`))
        .map(({ latin1 }) => ({ event: queuedAs(feed, Buffer.from(latin1, "latin1")), epoch }))
        .filter(({ event }) => isNumbered(event));
    });
  }

  #journal(life: number): string {
    return join(this.#directory, `pbx-${life}.ndjson`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.killPbx(), this.killBridge(), this.killRelay()]);
    for (const network of Object.values(this.networks)) await network[Symbol.asyncDispose]();
  }
}

/** An event as the queue holds it. */
function queuedAs(feed: Feed, bytes: Buffer): string {
  if (feed !== "ami") return eventText(JSON.parse(bytes.toString()));
  const [event] = readAmiEvents(bytes).events;
  return event !== undefined && "ami" in event ? event.ami.text : "";
}

/** Whether an event of the PBX has a number. Others, such as FullyBooted, come more than once alike. */
export function isNumbered(event: string): boolean {
  return event.startsWith('{"played":') || /^Played: \d+/m.test(event);
}

function configFile(
  directory: string,
  { relay, ari, ami }: Networks,
  { listen, outside }: { readonly listen: number; readonly outside: number },
): string {
  const path = join(directory, "bridge.yaml");
  writeFileSync(
    path,
    `relay: { url: "http://127.0.0.1:${relay.port}", key: { env: RELAY_KEY } }
spool: { directory: "${join(directory, "spool")}" }
outside: { listen: "127.0.0.1:${outside}" }
listen: { address: "127.0.0.1:${listen}" }
pbxs:
  - { feed: ari, ari: { url: "http://127.0.0.1:${ari.port}", user: ari, password: { env: ARI_PASSWORD } } }
  - { feed: outbound, ariOutbound: { path: /branch, user: branch, password: { env: ARI_PASSWORD } } }
  - { feed: ami, ami: { host: 127.0.0.1, port: ${ami.port}, user: bridge, secret: { env: ARI_PASSWORD } } }
`,
  );
  return path;
}
