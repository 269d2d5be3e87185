import { Receiver } from "./receiver.ts";
import type { RelayUnderTest } from "./relayUnderTest.ts";

/** Repeats the events of a recording. */
export class EventSource {
  readonly #lines: readonly string[];
  #next = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  take(count: number): string[] {
    return Array.from({ length: count }, () => this.#lines[this.#next++ % this.#lines.length] ?? "{}");
  }
}

const seconds = (sinceMillis: number) => (performance.now() - sinceMillis) / 1000;

/** Appends `events` in batches from concurrent producers, and returns the events per second. */
export async function measureAppend(
  relay: RelayUnderTest,
  source: EventSource,
  load: { feed: string; events: number; batch: number; producers: number },
): Promise<number> {
  const begun = performance.now();
  let left = load.events;
  const produce = async () => {
    while (left > 0) {
      const count = Math.min(load.batch, left);
      left -= count;
      await relay.append(load.feed, source.take(count));
    }
  };
  await Promise.all(Array.from({ length: load.producers }, produce));
  return load.events / seconds(begun);
}

/** Measures new sessions that read a full feed. */
export async function measureFanOut(
  relay: RelayUnderTest,
  load: { feed: string; messages: number; sessions: number; compress?: "gzip" },
): Promise<{ perSecond: number; requestsPerPage: number; failures: string[] }> {
  await using receiver = await Receiver.start();
  const before = await relay.snapshot();
  const begun = performance.now();
  const sessions = await Promise.all(
    Array.from({ length: load.sessions }, (_, index) =>
      relay.createSession({
        feed: load.feed,
        url: receiver.url(`/${index}`),
        from: "head",
        ...(load.compress && { compress: load.compress }),
      }),
    ),
  );
  await receiver.received(load.sessions, load.messages);
  const perSecond = (load.messages * load.sessions) / seconds(begun);
  const requests = countOf((await relay.snapshot()).requests) - countOf(before.requests);
  await Promise.all(sessions.map(({ id }) => relay.deleteSession(id)));
  return { perSecond, requestsPerPage: requests / receiver.requests, failures: receiver.failures };
}

/** Appends at a steady pace while sessions follow, and measures the time from each append to each receipt. */
export async function measureLatency(
  relay: RelayUnderTest,
  source: EventSource,
  load: { feed: string; sessions: number; perSecond: number; batch: number; seconds: number },
): Promise<{
  p50Millis: number;
  p99Millis: number;
  requestsPerPage: Readonly<Record<string, number>>;
  failures: string[];
}> {
  const receipts: { first: number; last: number; atMillis: number }[] = [];
  await using receiver = await Receiver.start((_path, first, last) =>
    receipts.push({ first, last, atMillis: performance.now() }),
  );
  // A first event opens the sessions' connections, as in a running system.
  const sessions = await Promise.all(
    Array.from({ length: load.sessions }, (_, index) =>
      relay.createSession({ feed: load.feed, url: receiver.url(`/${index}`), from: "tail" }),
    ),
  );
  const warm = await relay.appendAndNumber(load.feed, source.take(1));
  await receiver.received(load.sessions, warm.last);
  receipts.length = 0;

  const before = await relay.snapshot();
  const sentAtMillis = new Map<number, number>();
  const everyMillis = (1000 * load.batch) / load.perSecond;
  const batches = Math.round((load.perSecond * load.seconds) / load.batch);
  const begun = performance.now();
  const appends: Promise<number>[] = [];
  for (let index = 0; index < batches; index += 1) {
    const dueMillis = begun + index * everyMillis;
    while (performance.now() < dueMillis)
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMillis - performance.now())));
    // Timed from when the append was due, so that a stall of this process counts.
    appends.push(
      relay.appendAndNumber(load.feed, source.take(load.batch)).then(({ first, last }) => {
        for (let sequence = first; sequence <= last; sequence += 1) sentAtMillis.set(sequence, dueMillis);
        return last;
      }),
    );
  }
  await receiver.received(load.sessions, Math.max(...(await Promise.all(appends))));
  const after = await relay.snapshot();
  await Promise.all(sessions.map(({ id }) => relay.deleteSession(id)));

  const latencies = receipts
    .flatMap(({ first, last, atMillis }) =>
      Array.from(
        { length: last - first + 1 },
        (_, index) => atMillis - (sentAtMillis.get(first + index) ?? Number.NaN),
      ),
    )
    .sort((a, b) => a - b);
  const expected = load.sessions * batches * load.batch;
  if (latencies.length !== expected)
    receiver.failures.push(`${latencies.length} receipts instead of ${expected}`);
  const percentile = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN;
  const pages = (after.requests.PutItemCommand ?? 0) - (before.requests.PutItemCommand ?? 0);
  const requestsPerPage = Object.fromEntries(
    Object.entries(after.requests)
      .map(([name, count]) => [name, (count - (before.requests[name] ?? 0)) / pages] as const)
      .filter(([, perPage]) => perPage > 0.005),
  );
  return {
    p50Millis: percentile(0.5),
    p99Millis: percentile(0.99),
    requestsPerPage,
    failures: receiver.failures,
  };
}

function countOf(requests: Readonly<Record<string, number>>): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}
