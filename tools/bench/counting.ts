import { setTimeout as pause } from "node:timers/promises";
import type { FunctionName } from "../../shared/aws/resources.ts";
import { GROUP_SESSIONS } from "../../shared/groups/group.ts";
import { Receiver } from "./receiver.ts";
import { RelayUnderTest } from "./relayUnderTest.ts";
import { type EventSource, measureAppend } from "./scenarios.ts";
import type { FunctionUsage } from "./usage.ts";

/** What `npm run bench:requests` counts. Each function here starts a relay of its own. */
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
export const RECEIVER_MILLIS = 200;
/** Longer than some turns. With many groups also until every process knows every session: on AWS they live for hours. */
const warmUpSeconds = (sessions: number) => (sessions > GROUP_SESSIONS ? 25 : 12);
/** How long sessions that fell behind may take to catch up. */
const PATIENCE_MILLIS = 60_000;

/** A steady load. */
export interface Condition {
  readonly pagesPerSecond: number;
  readonly sessions: number;
  readonly seconds: number;
}

type Usage = Partial<Record<FunctionName, FunctionUsage>>;

const sleepUntil = (millis: number) =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, millis - performance.now())));

const round = (value: number) => Number(value.toFixed(2));

/** The bytes and write units of an append of this many events. An append too large for one page counts two pages. */
export async function measurePages(source: EventSource, eventsPerPage: number) {
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
export async function measureSteady(source: EventSource, condition: Condition) {
  await using relay = await RelayUnderTest.start(METERED);
  await using receiver = await Receiver.start(undefined, RECEIVER_MILLIS);
  // Each on a host of its own: a process opens 32 connections to one origin, too few for 128 sessions that take 200 ms.
  for (let index = 0; index < condition.sessions; index += 1)
    await relay.createSession({
      feed: "steady",
      url: receiver.url(`/${index}`, `s${index}.localhost`),
      from: "tail",
    });
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
export async function measureSweeps(source: EventSource, sessions: number) {
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
export async function measureFreeing(source: EventSource) {
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
