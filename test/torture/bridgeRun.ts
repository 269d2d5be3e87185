import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connectionVariables } from "../../local/connection.ts";
import { startEngines } from "../../local/engines/start.ts";
import { createClients, destroyClients } from "../../shared/aws/clients.ts";
import { tables } from "../../shared/aws/resources.ts";
import { eventually } from "../support/eventually.ts";
import { readFeedRows } from "../support/feedRows.ts";
import { violations } from "../support/invariants.ts";
import { randomByName } from "../support/randomness.ts";
import type { FeedRows, HandedOverEvent } from "../support/witnessed.ts";
import { BridgeWorld, FEEDS, type Feed, isNumbered } from "./bridgeWorld.ts";

export interface BridgeTortureOptions {
  readonly seconds: number;
  /** The run ends after these, if not before. */
  readonly maxFaults?: number;
  readonly seed: number;
  /** Of each feed. */
  readonly eventsPerSecond: number;
  /** Between two faults there are 0.5 to 1.5 times this. */
  readonly meanCalmSeconds: number;
  print(line: string): void;
}

export interface BridgeTortureReport {
  readonly faults: Readonly<Record<string, number>>;
  readonly feeds: Readonly<Record<Feed, FeedReport>>;
  readonly problems: readonly string[];
}

export interface FeedReport {
  readonly handedOver: number;
  /** Of those, the ones in the queue. Gap records cover the others. */
  readonly queued: number;
  readonly gaps: Readonly<Record<string, number>>;
}

/** How long everything may take to be calm after the last fault. A source waits up to 30 s before it dials again. */
const SETTLE_MILLIS = 120_000;

const LOOK_MILLIS = 200;

/**
 * A PBX, a bridge and a relay under load. Each in turn is killed, and the networks between them are cut or swallow
 * everything for a while; then the invariants judge each feed.
 */
export async function tortureBridge(options: BridgeTortureOptions): Promise<BridgeTortureReport> {
  const directory = await mkdtemp(join(tmpdir(), "stasis-relay-bridge-torture-"));
  try {
    return await run(options, directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function run(options: BridgeTortureOptions, directory: string): Promise<BridgeTortureReport> {
  const { seconds, maxFaults = Infinity, seed, eventsPerSecond, meanCalmSeconds, print } = options;
  const random = randomByName(seed);
  const pieceBytes = () => 1 + Math.floor(4_000 * Math.random() ** 3);
  await using world = await BridgeWorld.start(directory, eventsPerSecond, pieceBytes);
  const faults: Record<string, number> = {};
  const endsAt = performance.now() + 1000 * seconds;
  for (let turn = 0; turn < maxFaults && performance.now() < endsAt; turn += 1) {
    // Most faults meet a bridge at work, the others one that is still busy with the fault before.
    if (random("early") > 0.3) await untilCalm(world, endsAt);
    await pause(1000 * meanCalmSeconds * (0.5 + random("calm")));
    const fault = await cause(world, turn, random);
    faults[fault] = (faults[fault] ?? 0) + 1;
    print(fault);
  }
  const problems: string[] = [];
  const wait = (what: string, condition: () => Promise<boolean>) =>
    eventually(what, condition, SETTLE_MILLIS).catch((error: unknown) => problems.push(String(error)));
  // The links come back, and more events follow, so that every hole has an end. An event that was handed over after the
  // last fault shows that a link is back: the bridge may not have noticed yet that it was lost.
  const before = new Map(FEEDS.map((feed) => [feed, world.handedOver(feed).length]));
  await wait("events of the time after the last fault", () =>
    everyFeed(world, (handedOver, texts, feed) =>
      handedOver.slice(before.get(feed)).some(({ event }) => texts.includes(event)),
    ),
  );
  await wait("every link up, and a relay that takes events", () => world.isCalm());
  world.quiet();
  await pause(500);
  // A snapshot may follow the last event.
  await wait("the last events", () =>
    everyFeed(
      world,
      (handedOver, texts) => handedOver.length > 0 && texts.includes(handedOver.at(-1)?.event),
    ),
  );
  const codes = await world.stop();
  if (JSON.stringify(codes) !== "[[0,null],0]")
    problems.push(`the bridge and the relay ended with ${JSON.stringify(codes)}`);
  const reports: [Feed, FeedReport][] = [];
  for (const feed of FEEDS) {
    const rows = await rowsOf(world.relayDirectory, feed);
    const handedOver = world.handedOver(feed);
    const found = violations(rows, { accepted: [], deliveries: [], sessions: [], handedOver });
    const report = reportOf(rows, handedOver);
    reports.push([feed, report]);
    problems.push(...[...found, ...unexpected(feed, report)].map((problem) => `${feed}: ${problem}`));
  }
  return { faults, feeds: Object.fromEntries(reports) as Record<Feed, FeedReport>, problems };
}

/** Waits until everything works, or until the end. */
async function untilCalm(world: BridgeWorld, endsAt: number): Promise<void> {
  while (performance.now() < endsAt && !(await world.isCalm())) await pause(100);
}

/** One fault. Each kind comes in turn; its details are random. Returns its name. */
async function cause(world: BridgeWorld, turn: number, random: (name: string) => number): Promise<string> {
  const kind = ["bridge", "relay", "pbx", "network"][turn % 4];
  const downMillis = Math.floor(1_500 * random("down") ** 2);
  switch (kind) {
    case "bridge":
      await world.killBridge();
      await pause(downMillis);
      world.startBridge();
      return "bridge killed";
    case "relay":
      await world.killRelay();
      await pause(downMillis);
      await world.startRelay();
      return "relay killed";
    case "pbx":
      await world.killPbx();
      // The start times of two lives differ by a second at least.
      await pause(1_000 + downMillis);
      await world.startPbx();
      return "PBX killed";
    default: {
      const names = ["ari", "relay", "outbound", "ami"] as const;
      const name = names[Math.floor(names.length * random("network"))] ?? "ari";
      const network = world.networks[name];
      if (random("cut") < 0.5) {
        network.cut();
        return `network of ${name} cut`;
      }
      network.stop();
      await pause(downMillis);
      // A connection that has lost bytes is of no use to anybody.
      network.cut();
      network.repair();
      return `network of ${name} silent`;
    }
  }
}

/** Judges each feed by what its PBX handed over and by the last messages of the queue. */
async function everyFeed(
  world: BridgeWorld,
  judge: (handedOver: readonly HandedOverEvent[], texts: readonly unknown[], feed: Feed) => boolean,
): Promise<boolean> {
  // The networks run in this process, too: they need time between two looks.
  await pause(LOOK_MILLIS);
  for (const feed of FEEDS) {
    const { tail = 0 } = (await world.client?.feed(feed)) ?? {};
    const format = feed === "ami" ? "ami" : "stasis";
    const page = await world.client?.messages(feed, { from: Math.max(1, tail - 990), limit: 1_000, format });
    const texts = page?.messages.map((message) =>
      "event" in message ? JSON.stringify(message.event) : message.text,
    );
    if (!judge(world.handedOver(feed), texts ?? [], feed)) return false;
  }
  return true;
}

/** The feed's rows as the last relay left them. */
async function rowsOf(relayDirectory: string, feed: Feed): Promise<FeedRows> {
  await using engines = new AsyncDisposableStack();
  const { endpoints, credentials } = await startEngines(engines, {}, relayDirectory);
  const clients = createClients(connectionVariables({}, endpoints, credentials));
  engines.defer(() => destroyClients(clients));
  const names = { queue: tables.queue.name, cursors: tables.cursors.name };
  const rows = await readFeedRows(clients.documents, names, feed);
  return { ...rows, pages: rows.pages.map(distinct) };
}

/** No two events of a run are alike, except what Manager sends at each login. */
function distinct<Page extends FeedRows["pages"][number]>(page: Page): Page {
  const events = page.events.map((event, index) =>
    event.startsWith("Event: FullyBooted") && !isNumbered(event) ? `${event} (${page.first + index})` : event,
  );
  return { ...page, events };
}

function reportOf(rows: FeedRows, handedOver: readonly { readonly event: string }[]): FeedReport {
  const events = rows.pages.flatMap((page) => page.events);
  const queued = new Set(events.filter(isNumbered));
  const gaps: Record<string, number> = {};
  for (const event of events)
    if (event.startsWith('{"type":"RelayGap"')) {
      const { reason } = JSON.parse(event);
      gaps[reason] = (gaps[reason] ?? 0) + 1;
    }
  return {
    handedOver: handedOver.length,
    queued: handedOver.filter(({ event }) => queued.has(event)).length,
    gaps,
  };
}

/**
 * Gaps for which the run has no cause. The PBX plays two recordings that do not belong together, and tells the state of
 * the first: Manager's events do not fit it, which is a drift.
 */
function unexpected(feed: Feed, { gaps }: FeedReport): string[] {
  const expected = new Set(["link", "restart", ...(feed === "ami" ? ["drift"] : [])]);
  return Object.keys(gaps)
    .filter((reason) => !expected.has(reason))
    .map((reason) => `a gap of the reason ${reason}`);
}
