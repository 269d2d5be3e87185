import { tableLines } from "../../cli/terminal/table.ts";
import { eventually } from "../../test/support/eventually.ts";
import { type Counted, RelayWithConflicts, type Rows } from "./relayWithConflicts.ts";

const SEGMENT_SIZE = 10;
const PAGES_PER_PRODUCER = 50;
/** None while it is measured: this process takes so long for 10,000 sessions that a sweep would re-send wakes that are not lost. */
const SWEEP_SECONDS = 600;
const PATIENCE_MILLIS = 600_000;
/** Above this ratio, the calls grow faster than the size. */
const LINEAR = 1.15;

/** A group has the cursors of 32 sessions. Its turn reads the configuration of each. */
const GROUPS_SAVE = 0.1;

/**
 * `npm run bench -- contention` measures many sessions or producers in one place at one time. It fails if all calls
 * to AWS together grow faster than the number of sessions, or if sessions in groups need more than a tenth of the calls of
 * sessions with rows of their own.
 * @param options.sessions the larger number of sessions that get one event
 */
export async function benchContention({ sessions }: { readonly sessions: number }): Promise<void> {
  const few = Math.ceil(sessions / 10);
  const counted = new Map<Rows, Counted>();
  for (const rows of ["single rows", "groups"] as const) {
    report(
      `sessions cross a segment's border together, ${rows}`,
      await crossing(few / 10, rows),
      await crossing(few, rows),
    );
    const all = await parked(sessions, rows);
    counted.set(rows, all);
    // A turn of a group ends after some seconds, so the calls also grow with time. `compare` bounds them.
    const most = rows === "groups" ? Number.POSITIVE_INFINITY : LINEAR;
    report(`parked sessions on one feed, and one event, ${rows}`, await parked(few, rows), all, most);
  }
  compare(counted.get("single rows"), counted.get("groups"));
  // Growth is allowed here: writers race for each number, and the put of a lost race is wasted.
  report(
    "pages of 1 and 10 producers on one feed",
    await producers(1),
    await producers(10),
    Number.POSITIVE_INFINITY,
  );
}

/** All sessions get the last message of a segment, so all of them cross into the next one. */
async function crossing(sessions: number, rows: Rows): Promise<Counted> {
  await using relay = await RelayWithConflicts.start(SEGMENT_SIZE, rows);
  const append = relay.newProducer();
  await append(1);
  await relay.addParkedSessions(sessions);
  const counted = await relay.countedIn(0);
  return await relay.count(sessions, async () => {
    await append(SEGMENT_SIZE - 1);
    await eventually(
      "all sessions counted in the next segment",
      async () => (await relay.countedIn(1)) === counted,
      PATIENCE_MILLIS,
    );
  });
}

async function parked(sessions: number, rows: Rows): Promise<Counted> {
  await using relay = await RelayWithConflicts.start(SEGMENT_SIZE, rows, SWEEP_SECONDS);
  const append = relay.newProducer();
  await append(1);
  await relay.addParkedSessions(sessions);
  return await relay.count(sessions, async () => {
    await append(1);
    await eventually(
      "all sessions have the event",
      () => relay.posts >= sessions && relay.isQuiet(),
      PATIENCE_MILLIS,
    );
  });
}

/** Each producer has its own ingest function, as on AWS, so all of them race for every number. */
async function producers(count: number): Promise<Counted> {
  await using relay = await RelayWithConflicts.start(1_000, "groups");
  await relay.newProducer()(1);
  return await relay.count(count * PAGES_PER_PRODUCER, async () => {
    await Promise.all(
      Array.from({ length: count }, async () => {
        const append = relay.newProducer();
        for (let page = 0; page < PAGES_PER_PRODUCER; page += 1) await append(10);
      }),
    );
  });
}

/** Polls grow with time, not with work. */
function callsOf({ calls }: Counted): number {
  return [...calls].reduce((sum, [command, count]) => sum + (command === "ReceiveMessage" ? 0 : count), 0);
}

function compare(singles: Counted | undefined, groups: Counted | undefined): void {
  if (singles === undefined || groups === undefined) return;
  const ratio = callsOf(groups) / callsOf(singles);
  const row = (name: string, counted: Counted) => [
    name,
    callsOf(counted),
    (callsOf(counted) / counted.size).toFixed(3),
    `${counted.seconds.toFixed(1)} s`,
  ];
  const table = tableLines([
    [`${groups.size} parked sessions, and one event`, "calls", "a session", "time"],
    row("single rows", singles),
    row("groups", groups),
    ["groups in relation to single rows", ratio.toFixed(3), "", ""],
  ]);
  process.stdout.write(`\n${table.join("\n")}\n`);
  if (ratio <= GROUPS_SAVE) return;
  process.stdout.write(`FAILED: groups need more than a tenth of the calls\n`);
  process.exitCode = 1;
}

function report(what: string, small: Counted, large: Counted, most = LINEAR): void {
  const factor = large.size / small.size;
  const growthOf = (before: number, after: number) => after / before / factor;
  const row = (name: string, before: number, after: number, textOf: (figure: number) => string = String) => [
    name,
    textOf(before),
    textOf(after),
    growthOf(before, after).toFixed(2),
  ];
  const calls = [...large.calls].sort(([, a], [, b]) => b - a);
  const table = tableLines([
    [what, small.size, large.size, "growth"],
    row("time", small.seconds, large.seconds, (seconds) => `${seconds.toFixed(1)} s`),
    row("calls without polls", callsOf(small), callsOf(large)),
    ...calls.map(([command, after]) => row(command, small.calls.get(command) ?? 0, after)),
    ...[...large.conflicts].map(([command, after]) =>
      row(`conflicts of ${command}`, small.conflicts.get(command) ?? 0, after),
    ),
  ]);
  process.stdout.write(`\n${table.join("\n")}\n`);
  // Not each command for itself: how many sessions share a batch call depends on how many come at the same moment.
  if (growthOf(callsOf(small), callsOf(large)) <= most) return;
  process.stdout.write("FAILED: the calls grow faster than linearly\n");
  process.exitCode = 1;
}
