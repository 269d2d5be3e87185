import { tableLines } from "../../cli/terminal/table.ts";
import { readRecording } from "../../local/demo/recording.ts";
import { median, percentile } from "./percentile.ts";
import { pairedRatio, type Ratio } from "./ratio.ts";
import { Receiver } from "./receiver.ts";
import { RelayUnderTest } from "./relayUnderTest.ts";
import { EventSource } from "./scenarios.ts";

const SESSIONS = 100;
const HANGING = [0, 1, 10, 50] as const;
const EVENTS_PER_SECOND = 100;
/** Ten appends a second: the p99 of few appends would be that of a single stall of the machine. */
const EVENTS_PER_REQUEST = 10;
/** All endpoints respond for this long before some begin to hang. */
const WELL_SECONDS = 5;

export const ROWS = ["groups", "single rows"] as const;
type Rows = (typeof ROWS)[number];

interface Variant {
  readonly rows: Rows;
  readonly hanging: number;
}

interface Measured {
  /** From the moment when the endpoints begin to hang. */
  readonly p50Millis: number;
  readonly p99Millis: number;
  /** After the first requests to hanging endpoints have timed out; NaN for a measurement that ends before. */
  readonly knownP99Millis: number;
  readonly worstMillis: number;
  readonly ingestP99Millis: number;
  readonly wasted: number;
  readonly wastedShare: number;
  readonly failures: readonly string[];
}

/**
 * `npm run bench -- isolation` measures how much hanging endpoints delay the other sessions, in cursor groups and with
 * rows of their own, which have two lanes. Each round measures all variants and begins with another one, because the
 * machine's other work changes more from minute to minute than the variants differ. The ratios compare what one round measured.
 */
export async function benchIsolation(options: {
  rounds: number;
  seconds: number;
  timeout: number;
  only?: Rows;
}): Promise<void> {
  const source = new EventSource((await readRecording()).map(({ line }) => line));
  const variants: Variant[] = ROWS.filter((rows) => rows === (options.only ?? rows)).flatMap((rows) =>
    HANGING.map((hanging) => ({ rows, hanging })),
  );
  const results = new Map<Variant, Measured[]>(variants.map((variant) => [variant, []]));
  for (let round = 1; round <= options.rounds; round += 1)
    for (const variant of rotated(variants, round - 1)) {
      const measured = await measure(variant, source, options);
      results.get(variant)?.push(measured);
      process.stderr.write(`round ${round}, ${nameOf(variant)}: ${figures([measured]).join("  ")}\n`);
      for (const failure of measured.failures) {
        process.stderr.write(`FAILED: ${failure}\n`);
        process.exitCode = 1;
      }
    }

  const { seconds, timeout, rounds } = options;
  process.stdout.write(
    `\n${SESSIONS} sessions, ${EVENTS_PER_SECOND} events/s, ${EVENTS_PER_REQUEST} a request; endpoints hang ${timeout} s; medians of ${rounds} rounds of ${seconds} s; ratios with the range that holds 9 times in 10\n`,
  );
  const rows = [
    [
      "",
      "p50",
      "p99",
      "p99 once known",
      "worst",
      "ingest p99",
      "wasted",
      "share",
      "p99 ratio",
      "ingest ratio",
    ],
    ...variants.map((variant) => {
      const own = results.get(variant) ?? [];
      const base =
        results.get(
          variants.find(({ rows, hanging }) => rows === variant.rows && hanging === 0) ?? variant,
        ) ?? [];
      const ratio = (of: (each: Measured) => number) =>
        own === base ? "1" : ratioText(pairedRatio(own.map(of), base.map(of)));
      return [
        nameOf(variant),
        ...figures(own),
        ratio((each) => each.p99Millis),
        ratio((each) => each.ingestP99Millis),
      ];
    }),
  ];
  process.stdout.write(`${tableLines(rows).join("\n")}\n`);
}

function rotated<T>(all: readonly T[], by: number): T[] {
  const start = by % all.length;
  return [...all.slice(start), ...all.slice(0, start)];
}

function nameOf({ rows, hanging }: Variant): string {
  return `${rows}, ${hanging} hang`;
}

function ratioText({ median, range }: Ratio): string {
  const text = median.toFixed(2);
  return range === undefined ? text : `${text} (${range.map((ratio) => ratio.toFixed(2)).join(" to ")})`;
}

function figures(results: readonly Measured[]): string[] {
  const millis = (of: (each: Measured) => number) => {
    const figure = median(results.map(of));
    return Number.isNaN(figure) ? "–" : `${figure.toFixed(0)} ms`;
  };
  return [
    millis((each) => each.p50Millis),
    millis((each) => each.p99Millis),
    millis((each) => each.knownP99Millis),
    millis((each) => each.worstMillis),
    millis((each) => each.ingestP99Millis),
    String(median(results.map((each) => each.wasted))),
    `${(100 * median(results.map((each) => each.wastedShare))).toFixed(1)} %`,
  ];
}

async function measure(
  { rows, hanging }: Variant,
  source: EventSource,
  { seconds, timeout }: { seconds: number; timeout: number },
): Promise<Measured> {
  const receipts: { path: string; first: number; last: number; atMillis: number }[] = [];
  await using relay = await RelayUnderTest.start({
    RELAY_REQUEST_TIMEOUT_SECONDS: String(timeout),
    RELAY_CURSOR_GROUPS: rows === "groups" ? "1" : "0",
  });
  await using receiver = await Receiver.start((path, first, last) =>
    receipts.push({ path, first, last, atMillis: performance.now() }),
  );
  const feed = "isolation";
  const paths = Array.from({ length: SESSIONS }, (_, index) => `/${index}`);
  await relay.append(feed, source.take(1));
  for (const path of paths)
    await relay.createSession({ feed, url: receiver.url(path, `s${path.slice(1)}.localhost`), from: "tail" });
  const isHealthy = (path: string) => Number(path.slice(1)) >= hanging;

  const sent = new Map<number, number>();
  const ingestMillis: number[] = [];
  const appends: Promise<number>[] = [];
  const begun = performance.now();
  const hangsFromMillis = begun + WELL_SECONDS * 1000;
  const everyMillis = (1000 * EVENTS_PER_REQUEST) / EVENTS_PER_SECOND;
  const count = Math.round(((WELL_SECONDS + seconds) * 1000) / everyMillis);
  for (let index = 0; index < count; index += 1) {
    const dueMillis = begun + index * everyMillis;
    while (performance.now() < dueMillis)
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMillis - performance.now())));
    if (dueMillis >= hangsFromMillis) for (const path of paths.slice(0, hanging)) receiver.hanging.add(path);
    // Timed from when the append was due, so that a stall of this process counts.
    appends.push(
      relay.appendAndNumber(feed, source.take(EVENTS_PER_REQUEST)).then(({ first, last }) => {
        for (let sequence = first; sequence <= last; sequence += 1) sent.set(sequence, dueMillis);
        if (dueMillis >= hangsFromMillis) ingestMillis.push(performance.now() - dueMillis);
        return last;
      }),
    );
  }
  await receiver.received(SESSIONS - hanging, Math.max(...(await Promise.all(appends))));

  const healthy = receipts
    .filter(({ path }) => isHealthy(path))
    .flatMap(({ first, last, atMillis }) =>
      Array.from({ length: last - first + 1 }, (_, index) => {
        const sentMillis = sent.get(first + index) ?? Number.NaN;
        return { sentMillis, tookMillis: atMillis - sentMillis };
      }),
    )
    .filter(({ sentMillis }) => sentMillis >= hangsFromMillis);
  const took = healthy.map(({ tookMillis }) => tookMillis);
  const knownFromMillis = hangsFromMillis + (timeout + 1) * 1000;
  const known = healthy.filter(({ sentMillis }) => sentMillis >= knownFromMillis);
  return {
    p50Millis: percentile(took, 0.5),
    p99Millis: percentile(took, 0.99),
    knownP99Millis: percentile(
      known.map(({ tookMillis }) => tookMillis),
      0.99,
    ),
    worstMillis: percentile(took, 1),
    ingestP99Millis: percentile(ingestMillis, 0.99),
    wasted: receiver.unanswered,
    wastedShare: receiver.unanswered / (receiver.unanswered + receiver.requests),
    failures: receiver.failures,
  };
}
