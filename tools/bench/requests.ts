import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { Command } from "commander";
import { onReaderGone } from "../../cli/terminal/reader.ts";
import { readRecording } from "../../local/demo/recording.ts";
import type { FunctionName } from "../../shared/aws/resources.ts";
import { GROUP_SESSIONS } from "../../shared/groups/group.ts";
import { Receiver } from "./receiver.ts";
import { RelayUnderTest } from "./relayUnderTest.ts";
import { EventSource, measureAppend } from "./scenarios.ts";
import type { FunctionUsage } from "./usage.ts";

/**
 * `npm run bench:requests -- --write` counts the requests of each function to AWS under named conditions.
 * `npm run cost` reads the file that it writes.
 */
const METERED = {
  BENCH_METERED: "1",
  RELAY_CURSOR_GROUPS: "1",
  // The sweep notes where a feed ends and that all its sessions are in groups, which saves notify reads. It is metered apart.
  RELAY_SWEEP_SECONDS: "10",
  // The records of attempts are priced apart (`attempts` in tools/cost/relay.ts).
  RELAY_ATTEMPT_SECONDS: "3600",
};
const EVENTS_PER_PAGE = 50;
/** How long a webhook takes to answer. */
const RECEIVER_MILLIS = 200;
const PAGE_SIZES = [1, 2, 5, 10, 25, 50, 100, 250, 500];
/**
 * One and 32 sessions are one group, and `npm run cost` takes from their difference what a further session of a group
 * costs. The larger numbers say what a further group costs.
 */
const CONDITIONS = [
  ...[1, 32, 320].map((sessions) => ({ pagesPerSecond: 0.2, sessions, seconds: 40 })),
  ...[1, 10, 32, 100, 320, 1_000].map((sessions) => ({ pagesPerSecond: 2, sessions, seconds: 35 })),
  ...[1, 32, 100].map((sessions) => ({ pagesPerSecond: 10, sessions, seconds: 25 })),
];
const SWEPT_SESSIONS = [0, 32, 320];
/** Longer than some turns. With many groups also until every process knows every session: on AWS they live for hours. */
const warmUpSeconds = (sessions: number) => (sessions > GROUP_SESSIONS ? 25 : 12);
/** How long sessions that fell behind may take to catch up. */
const PATIENCE_MILLIS = 60_000;

onReaderGone();
const { write } = new Command("bench:requests")
  .description("Counts each function's requests to AWS, for `npm run cost`. Takes about twelve minutes.")
  .option("--write", "write tools/bench/requests.json, and print nothing")
  .parse()
  .opts<{ write?: true }>();

type Usage = Partial<Record<FunctionName, FunctionUsage>>;

const lines = (await readRecording()).map(({ line }) => line);
const source = new EventSource(lines);
const sleepUntil = (millis: number) =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, millis - performance.now())));

/** The bytes and write units of an append of this many events. An append too large for one page counts two pages. */
async function measurePages(eventsPerPage: number) {
  await using relay = await RelayUnderTest.start(METERED);
  const pages = Math.max(10, Math.ceil(2_000 / eventsPerPage));
  const load = { feed: "pages", batch: eventsPerPage, producers: 1 };
  await measureAppend(relay, source, { ...load, events: eventsPerPage });
  const before = (await relay.snapshot()).usage;
  await measureAppend(relay, source, { ...load, events: pages * eventsPerPage });
  const { ingest } = difference((await relay.snapshot()).usage, before);
  if (ingest === undefined) throw new Error("ingest was not invoked");
  return {
    eventsPerPage,
    itemBytes: Math.round(ingest.putBytes / pages),
    writeUnits: round(ingest.writeUnits / pages),
  };
}

/** Appends at a steady pace while sessions follow, and meters the functions. */
async function measureSteady(condition: (typeof CONDITIONS)[number]) {
  await using relay = await RelayUnderTest.start(METERED);
  await using receiver = await Receiver.start(undefined, RECEIVER_MILLIS);
  for (let index = 0; index < condition.sessions; index += 1)
    await relay.createSession({ feed: "steady", url: receiver.url(`/${index}`), from: "tail" });
  const everyMillis = 1000 / condition.pagesPerSecond;
  const append = async (count: number) => {
    const begun = performance.now();
    let last = 0;
    for (let page = 0; page < count; page += 1) {
      await sleepUntil(begun + page * everyMillis);
      last = (await relay.appendAndNumber("steady", source.take(EVENTS_PER_PAGE))).last;
    }
    await sleepUntil(begun + count * everyMillis);
    return last;
  };
  await append(Math.ceil(condition.pagesPerSecond * warmUpSeconds(condition.sessions)));
  const before = { ...(await relay.snapshot()), webhookRequests: receiver.requests };
  const pages = Math.round(condition.pagesPerSecond * condition.seconds);
  const last = await append(pages);
  const after = await relay.snapshot();
  const usage = difference(after.usage, before.usage);
  const webhookRequests = receiver.requests - before.webhookRequests;
  const hasCaughtUp = await isInTime(receiver.received(condition.sessions, last));
  if (receiver.failures.length > 0) throw new Error(receiver.failures.join("\n"));
  return {
    ...condition,
    eventsPerPage: EVENTS_PER_PAGE,
    pages,
    /** False on a machine that is too busy for so many sessions: then `npm run cost` leaves the condition out. */
    hasCaughtUp,
    webhookRequests,
    /** Of the process with all functions and the queues, but without the database. */
    cpuMillis: Math.round(1000 * (after.cpuSeconds - before.cpuSeconds)),
    usage: rounded(usage),
  };
}

async function isInTime(awaited: Promise<void>): Promise<boolean> {
  const waiting = new AbortController();
  const tooLate = pause(PATIENCE_MILLIS, false, { signal: waiting.signal }).catch(() => false);
  const isDone = await Promise.race([awaited.then(() => true), tooLate]);
  waiting.abort();
  return isDone;
}

/** Meters one sweep of one quiet feed. */
async function measureSweeps(sessions: number) {
  await using relay = await RelayUnderTest.start({ ...METERED, RELAY_SWEEP_SECONDS: "0.5" });
  await using receiver = await Receiver.start();
  for (let index = 0; index < sessions; index += 1)
    await relay.createSession({ feed: "quiet", url: receiver.url(`/${index}`), from: "tail" });
  const { last } = await relay.appendAndNumber("quiet", source.take(1));
  if (sessions > 0 && !(await isInTime(receiver.received(sessions, last))))
    throw new Error(`${sessions} sessions have not received the event within ${PATIENCE_MILLIS / 1000} s`);
  await sleepUntil(performance.now() + 3_000);
  const before = (await relay.snapshot()).usage;
  await sleepUntil(performance.now() + 8_000);
  const { sweep } = difference((await relay.snapshot()).usage, before);
  if (sweep === undefined || sweep.invocations === 0) throw new Error("no sweep ran");
  const { invocations, millis, readUnits, writeUnits } = sweep;
  return {
    sessions,
    sweeps: invocations,
    perSweep: {
      millis: round(millis / invocations),
      readUnits: round(readUnits / invocations),
      writeUnits: round(writeUnits / invocations),
    },
  };
}

/** The write units that the sweep needs to free one page. */
async function measureFreeing() {
  const environment = {
    RELAY_SEGMENT_SIZE: "1000",
    RELAY_FREE_GRACE_SECONDS: "1",
    RELAY_SWEEP_SECONDS: "0.5",
  };
  await using relay = await RelayUnderTest.start({ ...METERED, ...environment });
  const append = (events: number) =>
    measureAppend(relay, source, { feed: "freed", events, batch: EVENTS_PER_PAGE, producers: 1 });
  await append(EVENTS_PER_PAGE);
  await append(4_000);
  // Four of five segments are freed; the tail's segment stays.
  const pages = 4_000 / EVENTS_PER_PAGE;
  const deletes = async () => (await relay.snapshot()).usage.sweep?.requests.BatchWriteItemCommand ?? 0;
  const untilMillis = performance.now() + 30_000;
  let before = -1;
  for (let now = await deletes(); now === 0 || now !== before; now = await deletes()) {
    if (performance.now() > untilMillis) throw new Error("nothing was freed");
    before = now;
    await sleepUntil(performance.now() + 3_000);
  }
  const writeUnits = (await relay.snapshot()).usage.sweep?.writeUnits ?? 0;
  return { eventsPerPage: EVENTS_PER_PAGE, pages, writeUnitsPerPage: round(writeUnits / pages) };
}

function difference(after: Usage, before: Usage): Usage {
  return Object.fromEntries(
    Object.entries(after).map(([name, usage]) => {
      const old = before[name as FunctionName];
      const requests = Object.fromEntries(
        Object.entries(usage.requests).map(([command, count]) => [
          command,
          count - (old?.requests[command] ?? 0),
        ]),
      );
      return [
        name,
        {
          invocations: usage.invocations - (old?.invocations ?? 0),
          records: usage.records - (old?.records ?? 0),
          environments: usage.environments,
          millis: usage.millis - (old?.millis ?? 0),
          requests,
          readUnits: usage.readUnits - (old?.readUnits ?? 0),
          writeUnits: usage.writeUnits - (old?.writeUnits ?? 0),
          configurationUnits: usage.configurationUnits - (old?.configurationUnits ?? 0),
          putBytes: usage.putBytes - (old?.putBytes ?? 0),
        },
      ];
    }),
  );
}

function rounded(usage: Usage): Usage {
  return Object.fromEntries(
    Object.entries(usage)
      .filter(([name]) => name !== "api" && name !== "sweep")
      .map(([name, each]) => [name, { ...each, millis: Math.round(each.millis) }]),
  );
}

const round = (value: number) => Number(value.toFixed(2));
const reported = async <T>(what: string, measure: Promise<T>): Promise<T> => {
  const result = await measure;
  process.stderr.write(`${what}: ${JSON.stringify(result)}\n`);
  return result;
};

const pages = [];
for (const size of PAGE_SIZES) pages.push(await reported("pages", measurePages(size)));
const sweeps = [];
for (const sessions of SWEPT_SESSIONS) sweeps.push(await reported("sweep", measureSweeps(sessions)));
const freeing = await reported("freeing", measureFreeing());
const steady = [];
for (const condition of CONDITIONS) steady.push(await reported("steady", measureSteady(condition)));

const measured = {
  measuredOn: new Date().toISOString().slice(0, 10),
  machine: `${cpus().length} × ${cpus()[0]?.model ?? "CPU"}, Node ${process.version}, embedded engines`,
  eventBytes: Math.round(lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0) / lines.length),
  receiverMillis: RECEIVER_MILLIS,
  sessionsPerRow: GROUP_SESSIONS,
  pages,
  sweeps,
  freeing,
  steady,
};
const text = `${JSON.stringify(measured, undefined, 2)}\n`;
if (write) await writeFile(new URL("./requests.json", import.meta.url), text);
else process.stdout.write(text);
