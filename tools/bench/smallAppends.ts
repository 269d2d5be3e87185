import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableLines } from "../../cli/terminal/table.ts";
import { readRecording } from "../../local/demo/recording.ts";
import { RelayUnderTest } from "./relayUnderTest.ts";
import { EventSource, measureLatency } from "./scenarios.ts";

const SESSIONS = 10;

/**
 * `npm run bench -- small` appends events one by one, as a producer without a batch does, to ten sessions, and measures
 * latency and CPU time. The data are on disk.
 */
export async function benchSmallAppends({ seconds }: { seconds: number }): Promise<void> {
  const source = new EventSource((await readRecording()).map(({ line }) => line));
  const rows: string[][] = [
    ["events/s", "p50", "p99", "CPU of a core", "of it the database", "requests a page"],
  ];
  const directory = await mkdtemp(join(tmpdir(), "relay-bench-"));
  const failures: string[] = [];
  try {
    await using relay = await RelayUnderTest.start({ RELAY_DATA_DIR: directory });
    const warmUp = { feed: "warm-up", sessions: SESSIONS, perSecond: 200, batch: 1, seconds: 5 };
    await measureLatency(relay, source, warmUp);
    for (const perSecond of [20, 200]) {
      const before = await relay.snapshot();
      const begun = performance.now();
      const load = { feed: `small-${perSecond}`, sessions: SESSIONS, perSecond, batch: 1, seconds };
      const result = await measureLatency(relay, source, load);
      const after = await relay.snapshot();
      const elapsedSeconds = (performance.now() - begun) / 1000;
      failures.push(...result.failures);
      const share = (cpuSeconds: number) => `${((100 * cpuSeconds) / elapsedSeconds).toFixed(0)} %`;
      const database = after.childCpuSeconds - before.childCpuSeconds;
      const requests = Object.values(result.requestsPerPage).reduce((sum, count) => sum + count, 0);
      rows.push([
        String(perSecond),
        `${result.p50Millis.toFixed(1)} ms`,
        `${result.p99Millis.toFixed(1)} ms`,
        share(after.cpuSeconds - before.cpuSeconds + database),
        share(database),
        requests.toFixed(1),
      ]);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  process.stdout.write(`${tableLines(rows).join("\n")}\n`);
  if (failures.length > 0) {
    process.stdout.write(`\nFAILED: sessions missed messages\n${failures.slice(0, 10).join("\n")}\n`);
    process.exitCode = 1;
  }
}
