import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { tableLines } from "../../cli/terminal/table.ts";
import { renderAmi } from "../../shared/ami/amiMessage.ts";
import { compileReadFilter } from "../../shared/ami/readFilter.ts";
import { type Message, renderAmiOnly } from "../../shared/queue/message.ts";
import { amiUser, FEED, startTestGateway } from "../../test/support/gatewayUnderTest.ts";
import { recordedAmi } from "../../test/support/recordedAmi.ts";
import type { Order, Report } from "./amiReaders.ts";
import { percentile } from "./percentile.ts";

/** Names that one of the ten users each leaves out, so that their views are distinct and about as large. */
const LEFT_OUT = [
  "VarSet",
  "Newexten",
  "DTMFEnd",
  "DeviceStateChange",
  "NewCallerid",
  "NewConnectedLine",
  "Newchannel",
  "Hangup",
  "Newstate",
  "DialEnd",
];

export const PAGE_MESSAGES = 50;

/** All clients have one address, and many share a user. */
export const benchLimits = {
  authLimitPerAddress: 2_000,
  authLimit: 2_000,
  loginsPerMinute: 100_000,
  connectionsPerUser: 2_000,
};

interface Load {
  readonly connections: number;
  readonly filters: number;
  readonly perSecond: number;
  readonly seconds: number;
  /** Of the connections, those that read nothing. */
  readonly stalled?: number;
}

interface Result {
  readonly microsPerEvent: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
  readonly peakMegabytes: number;
}

/** `npm run bench -- gateway` measures the AMI gateway's CPU time and latency with real sockets. */
export async function benchGateway({ seconds, rate }: { seconds: number; rate: number }): Promise<void> {
  const rows: string[][] = [];
  const measureRow = async (load: Load) => {
    const result = await measure(load);
    const row = [
      String(load.connections),
      load.filters === 1 ? "none" : `${load.filters} distinct`,
      load.stalled ? `${load.stalled}` : "",
      String(load.perSecond),
      result.microsPerEvent.toFixed(2),
      result.p50Millis.toFixed(0),
      result.p99Millis.toFixed(0),
      result.peakMegabytes.toFixed(0),
    ];
    process.stderr.write(`${row.join("  ")}\n`);
    rows.push(row);
  };
  // A gateway runs for weeks: what V8 spends on code that has just started is no part of its figures.
  for (const filters of [1, 10]) await measure({ connections: 20, filters, perSecond: 5_000, seconds: 4 });
  for (const connections of [20, 100, 400, 1_000])
    for (const filters of [1, 10]) await measureRow({ connections, filters, perSecond: rate, seconds });
  for (const connections of [20, 100, 400])
    await measureRow({ connections, filters: 1, perSecond: 200, seconds });
  await measureRow({ connections: 1_000, filters: 1, perSecond: 200, seconds });
  await measureRow({ connections: 1_000, filters: 1, perSecond: 200, seconds, stalled: 100 });
  const head = ["connections", "filters", "stalled", "events/s", "µs/event", "p50 ms", "p99 ms", "MB"];
  for (const line of tableLines([head, ...rows], [1])) process.stdout.write(`${line}\n`);
}

async function measure({ connections, filters, perSecond, seconds, stalled = 0 }: Load): Promise<Result> {
  const users = Array.from({ length: filters }, (_, index) =>
    amiUser({
      username: `user${index}`,
      eventFilters: filters === 1 ? [] : [`!Event: ${LEFT_OUT[index % LEFT_OUT.length]}\r`],
    }),
  );
  await using world = await startTestGateway({
    users,
    limits: benchLimits,
  });
  const messages = await recordedAmi();
  const pageCount = Math.ceil((perSecond * seconds) / PAGE_MESSAGES);
  const pages = Array.from({ length: pageCount }, (_, page) =>
    Array.from(
      { length: PAGE_MESSAGES - 1 },
      (_, index) => messages[(page * (PAGE_MESSAGES - 1) + index) % messages.length] ?? stamp(),
    ),
  );
  const stampBytes = Buffer.byteLength(stamp().ami?.text ?? "");
  const sizes = users.map(({ eventFilters }) => {
    const { passes } = compileReadFilter({ read: "all", eventFilters });
    let bytes = pageCount * stampBytes;
    let events = pageCount;
    for (const { ami } of pages.flat())
      if (ami !== undefined && passes(ami)) {
        bytes += Buffer.byteLength(ami.text);
        events += 1;
      }
    return { bytes, events };
  });
  const child = fork(join(import.meta.dirname, "amiReaders.ts"));
  try {
    const clients = Array.from({ length: connections }, (_, index) => ({
      username: users[index % users.length]?.username ?? "",
      expectedBytes: sizes[index % users.length]?.bytes ?? 0,
    }));
    child.send({ port: world.port, clients, stalled, timed: 10 } satisfies Order);
    await reported(child, "ready");
    const done = reported(child, "done");
    const before = process.cpuUsage();
    let encodingMicros = 0;
    let peak = 0;
    const begun = performance.now();
    for (const [index, page] of pages.entries()) {
      const due = begun + dueAfterMillis(index, perSecond);
      if (due > performance.now()) await pause(due - performance.now());
      const start = process.threadCpuUsage();
      world.feeds.append(FEED, [stamp(), ...page]);
      const used = process.threadCpuUsage(start);
      encodingMicros += used.user + used.system;
      if (index % 20 === 0) peak = Math.max(peak, process.memoryUsage.rss());
    }
    const report = await done;
    const { user, system } = process.cpuUsage(before);
    const delivered = clients
      .slice(stalled)
      .reduce((sum, _, index) => sum + (sizes[(stalled + index) % users.length]?.events ?? 0), 0);
    const latencies = report.kind === "done" ? report.latenciesMillis : [];
    return {
      // Appending is not the gateway's work.
      microsPerEvent: (user + system - encodingMicros) / delivered,
      p50Millis: percentile(latencies, 0.5),
      p99Millis: percentile(latencies, 0.99),
      peakMegabytes: peak / 2 ** 20,
    };
  } finally {
    child.kill();
  }
}

export async function reported(child: ReturnType<typeof fork>, kind: Report["kind"]): Promise<Report> {
  for (;;) {
    const [report]: Report[] = await once(child, "message");
    if (report?.kind === "failed") throw new Error(report.why);
    if (report?.kind === kind) return report;
  }
}

/**
 * When a page of a steady load is appended: at a random time within its part. At even times, the gateway's ticks would
 * meet every page of a run at the same age.
 */
export function dueAfterMillis(page: number, perSecond: number): number {
  return ((page + Math.random()) * PAGE_MESSAGES * 1000) / perSecond;
}

/** An event that says when it was made. */
export function stamp(): Message {
  const at = (performance.timeOrigin + performance.now()).toFixed(3);
  return renderAmiOnly(renderAmi("BenchStamp", ["system"], [["BenchAt", at]]), "");
}
