import { fork } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { tableLines } from "../../cli/terminal/table.ts";
import { renderAmi } from "../../shared/ami/amiMessage.ts";
import { renderAmiOnly } from "../../shared/queue/message.ts";
import { eventually } from "../../test/support/eventually.ts";
import {
  amiUser,
  FEED,
  type GatewayUnderTest,
  startTestGateway,
} from "../../test/support/gatewayUnderTest.ts";
import { MemoryFeeds } from "../../test/support/memoryFeed.ts";
import { recordedAmi } from "../../test/support/recordedAmi.ts";
import type { Order, Stall } from "./amiReaders.ts";
import { benchLimits, dueAfterMillis, PAGE_MESSAGES, reported, stamp } from "./gateway.ts";
import { percentile } from "./percentile.ts";

interface Options {
  readonly pairs: number;
  readonly seconds: number;
  readonly rate: number;
}

const CONNECTIONS = 1_000;
const STALLED = 100;
const TIMED = 50;

/** Events of a class that only the stalled clients read, until their sockets are full. */
const BALLAST = renderAmi("Ballast", ["agent"], [["Padding", "x".repeat(2_000)]]);
const BALLAST_MESSAGES = 100;
/** 16 MB. */
const BALLAST_PAGES = 80;
const SETTLE_MILLIS = 5_000;

/**
 * `npm run bench -- stalled` measures how much 100 clients that read nothing delay the other 900. All 1,000 stay connected;
 * rounds with and without the stall alternate, in the order A B B A, so that the machine's other load meets both alike.
 */
export async function benchStalledReaders({ pairs, seconds, rate }: Options): Promise<void> {
  const stalledUsers = Array.from({ length: STALLED }, (_, index) =>
    amiUser({ username: `stalled${index}`, resume: true }),
  );
  const others = amiUser({
    username: "user0",
    read: "system,call,dialplan,user,dtmf,reporting,cdr,security",
  });
  await using world = await startTestGateway({
    users: [...stalledUsers, others],
    feeds: new MemoryFeeds(100_000),
    limits: { ...benchLimits, writeTimeoutMillis: 3_600_000 },
  });
  const messages = await recordedAmi();
  const child = fork(new URL("amiReaders.ts", import.meta.url).pathname);
  try {
    const names = [
      ...stalledUsers.map(({ username }) => username),
      ...Array.from({ length: CONNECTIONS - STALLED }, () => others.username),
    ];
    const clients = names.map((username) => ({ username, expectedBytes: Number.MAX_SAFE_INTEGER }));
    child.send({ port: world.port, clients, stalled: STALLED, timed: TIMED } satisfies Order);
    await reported(child, "ready");
    const stall = async (isStalled: boolean) => {
      child.send({ isStalled } satisfies Stall);
      await reported(child, "ready");
    };
    const idsOf = stalledUsers.map(({ session }) => session);
    const positions = () => idsOf.map((id) => world.positions.next.get(id) ?? 1);

    const round = async (isStalled: boolean): Promise<number[]> => {
      await stall(isStalled);
      if (isStalled) await fill(world, positions);
      else {
        const tail = world.feeds.next(FEED);
        await eventually("all clients at the tail", () => Math.min(...positions()) === tail, 120_000);
      }
      await pause(500);
      await latencies(child);
      const pageCount = Math.ceil((rate * seconds) / PAGE_MESSAGES);
      const beganAt = performance.now();
      for (let page = 0; page < pageCount; page += 1) {
        await pause(Math.max(0, dueAfterMillis(page, rate) - (performance.now() - beganAt)));
        const from = (page * (PAGE_MESSAGES - 1)) % (messages.length - PAGE_MESSAGES);
        world.feeds.append(FEED, [stamp(), ...messages.slice(from, from + PAGE_MESSAGES - 1)]);
      }
      const wanted = TIMED * pageCount;
      const measured: number[] = [];
      await eventually(
        "all events",
        async () => measured.push(...(await latencies(child))) >= wanted,
        120_000,
      );
      return measured;
    };

    await round(false);
    const rows: string[][] = [];
    const ratios: number[] = [];
    const all = new Map<boolean, number[]>([
      [true, []],
      [false, []],
    ]);
    for (let pair = 0; pair < pairs; pair += 1) {
      const order = pair % 2 === 0 ? [true, false] : [false, true];
      const measured = new Map<boolean, number[]>();
      for (const isStalled of order) {
        const millis = await round(isStalled);
        measured.set(isStalled, millis);
        all.get(isStalled)?.push(...millis);
      }
      const at = (isStalled: boolean, part: number) => percentile(measured.get(isStalled) ?? [], part);
      ratios.push(at(true, 0.99) / at(false, 0.99));
      const figures = [at(false, 0.5), at(true, 0.5), at(false, 0.99), at(true, 0.99)];
      rows.push([
        String(pair + 1),
        ...figures.map((millis) => millis.toFixed(0)),
        (ratios.at(-1) ?? 0).toFixed(2),
      ]);
      process.stderr.write(`${rows.at(-1)?.join("  ")}\n`);
    }
    const head = ["pair", "p50 ms", "p50 ms, stalled", "p99 ms", "p99 ms, stalled", "ratio of p99"];
    for (const line of tableLines([head, ...rows], [])) process.stdout.write(`${line}\n`);
    const [with100, without] = [true, false].map((isStalled) => percentile(all.get(isStalled) ?? [], 0.99));
    process.stdout.write(
      `p99 of all rounds: ${without?.toFixed(0)} ms, stalled ${with100?.toFixed(0)} ms; median ratio of the pairs ${percentile(ratios, 0.5).toFixed(2)} (aim: at most 1.10)\n`,
    );
  } finally {
    child.kill();
  }
}

/** Appends what only the stalled clients read, far more than all buffers between them and the gateway. */
async function fill({ feeds }: GatewayUnderTest, positions: () => number[]): Promise<void> {
  const page = Array.from({ length: BALLAST_MESSAGES }, () => renderAmiOnly(BALLAST, ""));
  for (let count = 0; count < BALLAST_PAGES; count += 1) feeds.append(FEED, page);
  // Positions follow what the clients' systems have acknowledged, which is looked at every two seconds.
  await pause(SETTLE_MILLIS);
  if (Math.max(...positions()) >= feeds.next(FEED))
    throw new Error("the stalled clients' buffers have taken everything");
}

/** What the timed clients have measured since the last call. */
async function latencies(child: ReturnType<typeof fork>): Promise<readonly number[]> {
  child.send("latencies");
  const report = await reported(child, "latencies");
  return report.kind === "latencies" ? report.latenciesMillis : [];
}
