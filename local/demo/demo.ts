import { randomUUID } from "node:crypto";
import { once as onceEmitted } from "node:events";
import { RelayClient, type Session } from "../../client/index.ts";
import { type Clock, systemClock } from "../../shared/runtime/clock.ts";
import { DeliveryCheck } from "./deliveryCheck.ts";
import { type OwnSessions, Progress } from "./progress.ts";
import { RECEIVER_PATH, type Receiver, startReceiver } from "./receiver.ts";
import { readRecording } from "./recording.ts";
import { replay } from "./replay.ts";
import { formatSummary, type Summary, summarize } from "./summary.ts";

export const DEMO_FEED = "demo";

/** Everybody knows it, and the recorded calls are no secret. It resumes, so a login after the replay gets them too. */
export const DEMO_AMI_USER = { username: "demo", secret: "demo-secret-of-the-relay" } as const;
/** Long enough to watch. */
const PACE_MILLIS = 10_000;
const LOOK_EVERY_MILLIS = 500;
/** With `once`: what has not arrived so long after the start counts as lost. */
const DEADLINE_SECONDS = 60;

const SUBSCRIBERS = [
  { name: "wallboard", delayMillis: 0, maxBatch: 100 },
  { name: "recorder", delayMillis: 0, maxBatch: 100 },
  { name: "slow", delayMillis: 300, maxBatch: 20 },
] as const;

export interface DemoOptions {
  readonly url: string;
  readonly apiKey: string;
  /** Replay as fast as possible and end with the verdict, instead of going on until `stopping` aborts. */
  readonly once: boolean;
  /** Whether to add the AMI user of `DEMO_AMI_USER`, as long as the demo lasts; not with `once`. */
  readonly hasAmiUser?: boolean;
  /** Whether to print what moves. Somebody who follows the sessions in another way needs no such lines. */
  readonly printsProgress: boolean;
  readonly stopping: AbortSignal;
  readonly clock?: Clock;
  print(line: string): void;
  /** The demo's sessions by id, as soon as they are there. */
  onSubscribed?(sessions: OwnSessions): void;
}

interface Subscription {
  readonly id: string;
  readonly name: string;
  /** The first number that the session gets. */
  readonly first: number;
  readonly check: DeliveryCheck;
}

/**
 * Replays the recorded calls into a feed while three webhook sessions follow it, one of them deliberately slow, and
 * checks everything that they get.
 */
export async function runDemo(options: DemoOptions): Promise<Summary> {
  const { once, printsProgress, stopping, print, clock = systemClock } = options;
  const client = new RelayClient({ url: options.url, apiKey: options.apiKey });
  await removeLeftOvers(client);

  await using cleanUp = new AsyncDisposableStack();
  const subscriptions = await Promise.all(SUBSCRIBERS.map((plan) => subscribe(client, plan, cleanUp)));

  const own = new Map(subscriptions.map(({ id, name, first }) => [id, { name, first }]));
  if (options.hasAmiUser && !once) {
    const user = { feed: DEMO_FEED, kind: "ami", resume: true, ...DEMO_AMI_USER } as const;
    const { id, next } = await client.createSession(user);
    cleanUp.defer(() => client.deleteSession(id).catch(() => {}));
    own.set(id, { name: "AMI demo", first: next ?? 1 });
  }

  options.onSubscribed?.(own);

  const ending = new AbortController();
  cleanUp.defer(() => ending.abort());
  const signal = AbortSignal.any([stopping, ending.signal]);

  const events = await readRecording();
  const startedAt = clock.nowEpochMillis();
  const seconds = () => (clock.nowEpochMillis() - startedAt) / 1000;
  const follow = new Follow(client, subscriptions, own, printsProgress ? print : () => {});
  let replayed = false;

  const replayAll = async () => {
    const counts = await replay({
      client,
      clock,
      feed: DEMO_FEED,
      producer: `demo-${randomUUID()}`,
      events,
      ...(once ? {} : { paceMillis: PACE_MILLIS }),
      stopping: signal,
      onAccepted: (sequence, line) => {
        for (const { check } of subscriptions) check.expect(sequence, line);
      },
    });
    print(`replayed: ${counts.accepted} of ${events.length} recorded events are in the feed "${DEMO_FEED}"`);
    replayed = true;
    return counts;
  };
  const followUntilSettled = async () => {
    while (!signal.aborted) {
      if (await follow.look(replayed, seconds())) return;
      if (once && seconds() > DEADLINE_SECONDS) return;
      await clock.sleep(LOOK_EVERY_MILLIS, signal);
    }
  };
  const [counts] = await Promise.all([replayAll(), followUntilSettled()]);
  const summary = summarize(events.length, counts, follow.results(seconds()));
  if (once || signal.aborted) return summary;

  print(`\n${formatSummary(summary)}\n\nThe relay goes on, and so do these sessions. Ctrl-C stops it.\n`);
  if (!printsProgress) await aborted(signal);
  while (!signal.aborted) {
    await follow.look(replayed, seconds());
    await clock.sleep(LOOK_EVERY_MILLIS, signal);
  }
  return summary;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await onceEmitted(signal, "abort");
}

/** Watches the sessions, says what moved, and notes when each of the demo's own has everything. */
class Follow {
  readonly #client: RelayClient;
  readonly #subscriptions: readonly Subscription[];
  readonly #progress: Progress;
  readonly #settledAtSeconds = new Map<string, number>();
  readonly #print: (line: string) => void;

  constructor(
    client: RelayClient,
    subscriptions: readonly Subscription[],
    own: OwnSessions,
    print: (line: string) => void,
  ) {
    this.#client = client;
    this.#subscriptions = subscriptions;
    this.#print = print;
    this.#progress = new Progress(own);
  }

  /** True when all sessions have everything, and the relay says the same. */
  async look(replayed: boolean, seconds: number): Promise<boolean> {
    const sessions = await Array.fromAsync(this.#client.listSessions());
    for (const line of this.#progress.changed(sessions)) this.#print(line);
    if (!replayed) return false;
    for (const { id, check } of this.#subscriptions) {
      const lag = sessions.find((session) => session.id === id)?.lagMessages;
      if (lag === 0 && check.isComplete() && !this.#settledAtSeconds.has(id))
        this.#settledAtSeconds.set(id, seconds);
    }
    return this.#settledAtSeconds.size === this.#subscriptions.length;
  }

  results(seconds: number) {
    return this.#subscriptions.map(({ id, name, check }) => ({
      name,
      ...check.report(),
      seconds: this.#settledAtSeconds.get(id) ?? seconds,
      settled: this.#settledAtSeconds.has(id),
    }));
  }
}

async function subscribe(
  client: RelayClient,
  plan: (typeof SUBSCRIBERS)[number],
  cleanUp: AsyncDisposableStack,
): Promise<Subscription> {
  const receiver: Receiver = await startReceiver(plan);
  cleanUp.defer(() => receiver.close());
  const session = { feed: DEMO_FEED, url: receiver.url, maxBatch: plan.maxBatch };
  const { id, secret, next } = await client.createSession(session);
  // A session that cannot be deleted now is deleted by the next run.
  cleanUp.defer(() => client.deleteSession(id).catch(() => {}));
  const check = new DeliveryCheck(next);
  receiver.subscribe({ secret, check });
  return { id, name: plan.name, first: next, check };
}

/** Sessions of an earlier run that was killed: nobody listens at their addresses any more. */
async function removeLeftOvers(client: RelayClient): Promise<void> {
  const leftOver = (await Array.fromAsync(client.listSessions())).filter(isOfDemo);
  await Promise.all(leftOver.map(({ id }) => client.deleteSession(id)));
}

function isOfDemo(session: Session): boolean {
  if (session.kind === "ami")
    return session.username === DEMO_AMI_USER.username && session.feed === DEMO_FEED;
  const { hostname, pathname } = new URL(session.url);
  return session.feed === DEMO_FEED && hostname === "127.0.0.1" && pathname.startsWith(RECEIVER_PATH);
}
