import { cpus } from "node:os";
import { tableLines } from "../../cli/terminal/table.ts";
import { readRecording } from "../../local/demo/recording.ts";
import { measureConversion } from "./conversion.ts";
import { RelayUnderTest } from "./relayUnderTest.ts";
import { EventSource, measureAppend, measureFanOut, measureLatency } from "./scenarios.ts";

/** `npm run bench` measures conversion, appending, fan-out and latency, and prints a table. */
export async function benchPipeline(): Promise<void> {
  const lines = (await readRecording()).map(({ line }) => line);
  const source = new EventSource(lines);
  const rows: (readonly [what: string, figure: string])[] = [];
  const failures: string[] = [];
  const report = (what: string, figure: string) => {
    rows.push([what, figure]);
    process.stderr.write(`${what}: ${figure}\n`);
  };
  const whole = (value: number) => Math.round(value).toLocaleString("en-US");

  {
    const result = measureConversion(lines);
    report("converted and serialized events/s", whole(result.convertedPerSecond));
    report("read, converted and serialized events/s", whole(result.readAndConvertedPerSecond));
    for (const [what, micros] of Object.entries(result.pageMicros))
      report(`a page of 50: ${what}`, `${whole(micros)} µs`);
    report("a page of 50: compressed bytes an event", result.bytesPerMessage.toFixed(1));
  }

  {
    await using relay = await RelayUnderTest.start();
    await measureAppend(relay, source, { feed: "warm-up", events: 2_000, batch: 50, producers: 4 });
    for (const { batch, producers, events } of [
      { batch: 1, producers: 1, events: 1_000 },
      { batch: 1, producers: 16, events: 5_000 },
      { batch: 50, producers: 1, events: 20_000 },
      { batch: 50, producers: 4, events: 40_000 },
      { batch: 500, producers: 4, events: 100_000 },
    ]) {
      const perSecond = await measureAppend(relay, source, {
        feed: `append-${batch}-${producers}`,
        events,
        batch,
        producers,
      });
      report(`appended events/s, ${batch} a request, ${producers} producers`, whole(perSecond));
    }
  }

  {
    await using relay = await RelayUnderTest.start();
    for (const { sessions, messages } of [
      { sessions: 1, messages: 40_000 },
      { sessions: 10, messages: 20_000 },
      { sessions: 100, messages: 4_000 },
    ]) {
      const feed = `fan-out-${sessions}`;
      await measureAppend(relay, source, { feed, events: messages, batch: 50, producers: 1 });
      const result = await measureFanOut(relay, { feed, sessions, messages });
      failures.push(...result.failures);
      report(`delivered messages/s, ${sessions} sessions`, whole(result.perSecond));
      report(`AWS requests per webhook request, ${sessions} sessions`, result.requestsPerPage.toFixed(2));
    }
    const zipped = { feed: "fan-out-100", sessions: 100, messages: 4_000, compress: "gzip" } as const;
    const result = await measureFanOut(relay, zipped);
    failures.push(...result.failures);
    report("delivered messages/s, 100 sessions, gzip", whole(result.perSecond));
    report(
      "peak memory of the relay process, fan-out",
      `${whole((await relay.snapshot()).peakResidentBytes / 1e6)} MB`,
    );
  }

  {
    await using relay = await RelayUnderTest.start();
    const warmUp = { feed: "latency-warm-up", sessions: 10, perSecond: 200, batch: 10, seconds: 5 };
    await measureLatency(relay, source, warmUp);
    for (const batch of [1, 10]) {
      const before = await relay.snapshot();
      const load = { feed: `latency-${batch}`, sessions: 10, perSecond: 200, batch, seconds: 15 };
      const result = await measureLatency(relay, source, load);
      failures.push(...result.failures);
      const name = `200 events/s, ${batch} a request, 10 sessions`;
      report(`append to receipt p50, ${name}`, `${result.p50Millis.toFixed(1)} ms`);
      report(`append to receipt p99, ${name}`, `${result.p99Millis.toFixed(1)} ms`);
      for (const [command, count] of Object.entries(result.requestsPerPage).sort(([, a], [, b]) => b - a))
        report(`  requests per page, ${command}`, count.toFixed(2));
      const cpuShare = ((await relay.snapshot()).cpuSeconds - before.cpuSeconds) / load.seconds;
      report(`  CPU of the relay process, ${name}`, `${(cpuShare * 100).toFixed(0)} % of one core`);
    }
    report(
      "peak memory of the relay process, steady",
      `${whole((await relay.snapshot()).peakResidentBytes / 1e6)} MB`,
    );
  }

  process.stdout.write(`\n${cpus().length} × ${cpus()[0]?.model ?? "CPU"}, Node ${process.version}\n`);
  process.stdout.write(`${tableLines(rows).join("\n")}\n`);
  if (failures.length > 0) {
    process.stdout.write(`\nFAILED: sessions missed messages\n${failures.slice(0, 10).join("\n")}\n`);
    process.exitCode = 1;
  }
}
