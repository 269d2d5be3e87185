import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tableLines } from "../../../cli/terminal/table.ts";
import { freePort } from "../../../local/freePort.ts";
import { Journal } from "../../../test/support/asterisk/journal.ts";
import { PbxProcess } from "../../../test/support/asterisk/pbxProcess.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { percentile } from "../percentile.ts";

import { ProbedProcess, type Usage } from "./probedProcess.ts";
import { RelaySink } from "./relaySink.ts";

const SOURCE = fileURLToPath(new URL("../../../bridge/main.ts", import.meta.url));
const PLAIN_READER = fileURLToPath(new URL("./plainReader.ts", import.meta.url));
const BURST_PER_SECOND = 20_000;

/**
 * `npm run bench -- bridge` measures the whole bridge, as a process with its spool on a disk, between a PBX that plays a
 * recording and a relay that only counts. A plain WebSocket reader gets the same events at the same time: it shows what
 * reading alone costs on this machine now. It fails when an event is lost, doubled or out of order.
 */
export async function benchBridge({
  seconds,
  program = SOURCE,
  only = "",
}: {
  seconds: number;
  program?: string;
  only?: string;
}): Promise<void> {
  const rows: (readonly [what: string, bridge: string, reader: string])[] = [];
  const failures: string[] = [];
  const loads = [
    { name: "burst of 20,000 events", perSecond: BURST_PER_SECOND, count: 20_000 },
    { name: "burst of 60,000 events", perSecond: BURST_PER_SECOND, count: 60_000 },
    { name: `500 events/s for ${seconds} s`, perSecond: 500, count: 500 * seconds },
    { name: `100 events/s for ${Math.ceil(seconds / 5)} s`, perSecond: 100, count: 20 * seconds },
  ].filter(({ name }) => name.includes(only));
  for (const load of loads) {
    const { bridge, reader, latencies, problems, requests } = await measure(program, load);
    failures.push(...problems.slice(0, 5).map((problem) => `${load.name}: ${problem}`));
    const row = (what: string, figure: (side: Side) => string) => {
      rows.push([`${load.name}: ${what}`, figure(bridge), figure(reader)]);
      process.stderr.write(`${load.name}: ${what}: ${figure(bridge)} (${figure(reader)})\n`);
    };
    row("events/s", ({ millis }) => whole((1000 * load.count) / millis));
    row("events in a second of CPU time", ({ usage }) => whole(load.count / usage.cpuSeconds));
    row("CPU, of one core", ({ usage, millis }) => `${((1e5 * usage.cpuSeconds) / millis).toFixed(1)} %`);
    row("peak memory", ({ usage }) => `${whole(usage.peakResidentBytes / 1e6)} MB`);
    row("event loop: delay p99", ({ usage }) => millisOf(usage.loop.delayMillisP99));
    row("event loop: own work between timers p99", ({ usage }) => millisOf(usage.loop.workMillisP99));
    row("event loop: own work between timers, most", ({ usage }) => millisOf(usage.loop.workMillisMost));
    // In a burst the PBX itself is too busy to note when it wrote.
    const shares = load.perSecond === BURST_PER_SECOND ? [] : [0.5, 0.99];
    for (const share of shares)
      rows.push([
        `${load.name}: handed over to 202, p${100 * share}`,
        millisOf(percentile(latencies, share)),
        "",
      ]);
    rows.push([`${load.name}: events in a request`, (load.count / requests).toFixed(0), ""]);
  }
  const load = loadavg().map((average) => average.toFixed(1));
  process.stdout.write(
    `\n${cpus().length} × ${cpus()[0]?.model ?? "CPU"}, Node ${process.version}, load ${load}\n`,
  );
  process.stdout.write(`${tableLines([["", "bridge", "plain reader"], ...rows]).join("\n")}\n`);
  if (failures.length === 0) return;
  process.stdout.write(`\nFAILED: events are missing or out of order\n${failures.join("\n")}\n`);
  process.exitCode = 1;
}

interface Side {
  readonly usage: Usage;
  /** From the first event that the plain reader read until the last one was done: in the relay, or read. */
  readonly millis: number;
}

async function measure(
  program: string,
  load: { perSecond: number; count: number },
): Promise<{
  bridge: Side;
  reader: Side;
  /** From the PBX's write until the relay's answer, for each event. */
  latencies: readonly number[];
  requests: number;
  problems: readonly string[];
}> {
  const directory = mkdtempSync(join(tmpdir(), "stasis-relay-bench-"));
  try {
    return await measureIn(program, directory, load);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function measureIn(
  program: string,
  directory: string,
  { perSecond, count }: { perSecond: number; count: number },
) {
  const journal = join(directory, "journal");
  await using sink = await RelaySink.start();
  await using pbx = await PbxProcess.start({
    recording: "busy-150",
    "per-second": perSecond,
    "write-timeout": 60_000,
    count,
    journal,
    apps: 2,
  });
  await using bridge = new ProbedProcess(
    program,
    ["--config", await configFile(directory, sink.url, pbx.ariPort)],
    {
      RELAY_KEY: "none",
      ARI_PASSWORD: "secret",
    },
  );
  await eventually("the bridge's snapshot", () => sink.requests > 0, 60_000);
  await bridge.usage();
  await using reader = new ProbedProcess(PLAIN_READER, [`--port=${pbx.ariPort}`, `--count=${count}`]);
  await reader.usage();
  const patienceMillis = (1000 * count) / perSecond + 120_000;
  await sink.until(count, patienceMillis);
  await eventually("the plain reader's end", () => reader.output.split("\n").length > 2, patienceMillis);
  const usages = { bridge: await bridge.usage(), reader: await reader.usage() };

  const handed = Journal.read(journal)
    .filter(({ socket }) => socket === "ari-1")
    .map(({ atEpochMillis }) => atEpochMillis);
  const answered = sink.answeredAtEpochMillis;
  const [begunAt = 0, readAt = 0] = reader.output.split("\n").map(Number);
  return {
    bridge: { usage: usages.bridge, millis: (answered.at(-1) ?? 0) - begunAt },
    reader: { usage: usages.reader, millis: readAt - begunAt },
    latencies: answered.map((at, index) => at - (handed[index] ?? at)),
    requests: sink.requests,
    problems: sink.problems,
  };
}

async function configFile(directory: string, relayUrl: string, ariPort: number): Promise<string> {
  const path = join(directory, "bridge.yaml");
  writeFileSync(
    path,
    `relay: { url: "${relayUrl}", key: { env: RELAY_KEY } }
spool: { directory: "${join(directory, "spool")}" }
outside: { listen: "127.0.0.1:${await freePort()}" }
pbxs:
  - { feed: bench, ari: { url: "http://127.0.0.1:${ariPort}", user: ari, password: { env: ARI_PASSWORD } } }
`,
  );
  return path;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function millisOf(value: number): string {
  return `${value.toFixed(1)} ms`;
}
