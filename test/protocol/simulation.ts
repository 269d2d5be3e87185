import { deliver } from "../../functions/deliver/deliver.ts";
import { Appender } from "../../functions/ingest/append.ts";
import { notify } from "../../functions/notify/notify.ts";
import { sweep } from "../../functions/sweep/sweep.ts";
import { FenceLostError } from "../../shared/errors.ts";
import { createFollowers } from "../../shared/queue/follower.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { type Cursor, type CursorChange, signal } from "../../shared/sessions/cursor.ts";
import { selectionOf } from "../../shared/sessions/selection.ts";
import { violations } from "../support/invariants.ts";
import { FEED, type Gate, MemoryRelay, openGate } from "../support/memoryRelay.ts";
import { type Delivery, deliveryOf } from "../support/witnessed.ts";
import { type Choose, Scheduler } from "./scheduler.ts";

/** A small change of the protocol that must lose messages. Each wraps a port; the production code stays as it is. */
export type Mutation =
  | "mark before sending the wake"
  | "mark without the fence"
  | "park without reading the tail again"
  | "notify reads stale cursors"
  | "cross in two writes";

/** How often each fault may happen in one run. */
export interface Faults {
  readonly notifierCrashes: number;
  readonly delivererCrashes: number;
  readonly appenderCrashes: number;
  readonly doubledHints: number;
  readonly lostHints: number;
  readonly leasesRunOut: number;
  readonly sweeps: number;
}

export const NO_FAULTS: Faults = {
  notifierCrashes: 0,
  delivererCrashes: 0,
  appenderCrashes: 0,
  doubledHints: 0,
  lostHints: 0,
  leasesRunOut: 0,
  sweeps: 0,
};

export interface Setup {
  /** Batches of each appender, one after the other; each batch has two events. */
  readonly appends: readonly number[];
  readonly sessions: number;
  readonly notifiers: number;
  readonly deliverers: number;
  readonly segmentSize: number;
  readonly faults: Faults;
  /** Posts, counted over the run, that the endpoint refuses. */
  readonly refusedPosts?: readonly number[];
  /** Posts that the endpoint takes and does not answer in time. */
  readonly unansweredPosts?: readonly number[];
  /** 0: a turn ends after one batch, so that the wake at its end is part of the run. */
  readonly turnMillis?: number;
  readonly mutation?: Mutation;
}

export interface Outcome {
  /** What is wrong once all hints are worked off, without a sweep; only the faults that hints survive count. */
  readonly problems: readonly string[];
  /** What is still wrong after the sweep has repaired what it can. */
  readonly problemsAfterSweep: readonly string[];
  readonly trace: readonly string[];
}

const LEASE_MILLIS = 20_000;

export async function simulate(setup: Setup, choose: Choose): Promise<Outcome> {
  const simulation = new Simulation(setup);
  await simulation.run(choose);
  const problems = simulation.problems();
  // Long after: every lease has run out, every hint that was under way is taken for lost.
  for (let sweeps = 0; sweeps < 3; sweeps += 1) {
    simulation.relay.nowEpochMillis += 2 * LEASE_MILLIS;
    await simulation.sweep();
    await simulation.run(() => 0, true);
  }
  return { problems, problemsAfterSweep: simulation.problems(), trace: simulation.scheduler.trace };
}

class Simulation {
  readonly relay: MemoryRelay;
  readonly scheduler = new Scheduler();
  readonly #setup: Setup;
  readonly #deliveries: Delivery[] = [];
  readonly #accepted: { event: string }[] = [];
  readonly #left: { -readonly [fault in keyof Faults]: number };
  /** What a worker has taken from its queue; it comes back when the worker dies. */
  readonly #held = new Map<string, () => void>();
  #started = 0;
  #posts = 0;

  constructor(setup: Setup) {
    this.#setup = setup;
    this.#left = { ...setup.faults };
    this.relay = new MemoryRelay(setup.segmentSize);
    for (let session = 1; session <= setup.sessions; session += 1) this.relay.addSession(`s${session}`);
    setup.appends.forEach((batches, index) => {
      this.#startAppender(`appender${index}`, batches);
    });
  }

  async run(choose: Choose, withoutFaults = false): Promise<void> {
    await this.scheduler.run(choose, () => {
      const work = this.#hintsToWorkOn();
      const steps = this.scheduler.steps().length;
      if (work.length + steps === 0) return this.#timePassing();
      return withoutFaults ? work : [...work, ...this.#faults()];
    });
  }

  async sweep(): Promise<void> {
    const { relay } = this;
    await sweep({
      ...relay.sweepStores(),
      tails: relay.tailSource(openGate),
      cursors: relay.cursorStore(openGate),
      wakes: relay.wakeSender(openGate),
      clock: relay.clock,
      log: silentLog,
      metrics: silentMetrics,
      settings: {
        freeGraceMillis: 1e12,
        retentionMillis: 1e12,
        retentionMessages: 1e12,
        hintGraceMillis: 5_000,
      },
    });
  }

  problems(): string[] {
    const { relay, scheduler } = this;
    const sessions = [...relay.cursors.keys()].map((session) => ({ session, start: 1, mustReachTail: true }));
    return [
      ...scheduler.failures.map((failure) => `an actor failed: ${String(failure)}`),
      ...(new Set(relay.appended).size === relay.appended.length ? [] : ["a number was given twice"]),
      ...violations(relay.rows(), {
        accepted: this.#accepted,
        deliveries: this.#deliveries,
        sessions,
        moves: relay.moves,
      }),
    ];
  }

  #startAppender(actor: string, batches: number): void {
    const gate = this.scheduler.gateOf(actor);
    const appender = new Appender({
      store: this.relay.appendStore(gate),
      sendNotify: this.relay.sendNotify(gate),
      clock: this.relay.clock,
      log: silentLog,
      metrics: silentMetrics,
      settings: {
        segmentSize: this.#setup.segmentSize,
        tailCacheMillis: 1e9,
        appendTimeoutMillis: 1e6,
        pageTtlMillis: 0,
      },
      newAppendId: () => `${actor}-${this.#started++}`,
      random: () => 0,
    });
    const event = (number: number) => {
      const body = { type: "A", actor, number };
      return { event: { type: "A", timestamp: undefined, text: JSON.stringify(body), body } };
    };
    this.scheduler.start(actor, async () => {
      for (let batch = 0; batch < batches; batch += 1) {
        const events = [event(2 * batch), event(2 * batch + 1)];
        await appender.append(FEED, [{ events }]);
        for (const { event: taken } of events) this.#accepted.push({ event: taken.text });
      }
    });
  }

  #hintsToWorkOn(): { label: string; take: () => void }[] {
    const { relay, scheduler } = this;
    const options: { label: string; take: () => void }[] = [];
    if (relay.notifies.length > 0 && scheduler.running("notifier").length < this.#setup.notifiers)
      options.push({ label: "queue gives a notify", take: () => this.#startNotifier() });
    const due = relay.wakes.findIndex(({ dueAtEpochMillis }) => dueAtEpochMillis <= relay.nowEpochMillis);
    if (due >= 0 && scheduler.running("deliverer").length < this.#setup.deliverers)
      options.push({ label: "queue gives a wake", take: () => this.#startDeliverer(due) });
    return options;
  }

  #timePassing(): { label: string; take: () => void }[] {
    const { relay } = this;
    if (relay.wakes.length === 0) return [];
    const next = Math.min(...relay.wakes.map(({ dueAtEpochMillis }) => dueAtEpochMillis));
    return [
      {
        label: "time passes",
        take: () => {
          relay.nowEpochMillis = Math.max(next, relay.nowEpochMillis);
        },
      },
    ];
  }

  #startNotifier(): void {
    const hint = this.relay.notifies.shift();
    if (hint === undefined) return;
    const actor = `notifier${this.#started++}`;
    const gate = this.scheduler.gateOf(actor);
    this.#work(
      actor,
      () => notify(notifyPorts(this.relay, gate, this.#setup.mutation), FEED, [hint]),
      () => void this.relay.notifies.push(hint),
    );
  }

  #startDeliverer(index: number): void {
    const [wake] = this.relay.wakes.splice(index, 1);
    if (wake === undefined) return;
    const actor = `deliverer${this.#started++}`;
    const gate = this.scheduler.gateOf(actor);
    const { relay } = this;
    const ports = deliverPorts(relay, gate, this.#setup.mutation);
    const { pages, ...otherPorts } = ports;
    const parts = {
      ...otherPorts,
      followerOf: createFollowers(pages, relay.clock),
      sessions: relay.sessionStore(),
      wakes: relay.wakeSender(gate),
      webhook: {
        post: async (request: { id: string; body: string }) => {
          await gate("posts");
          this.#posts += 1;
          const durationMillis = 1;
          if (this.#setup.refusedPosts?.includes(this.#posts))
            return {
              kind: "failed" as const,
              reason: "http.status",
              detail: "",
              status: 500,
              durationMillis,
            };
          this.#deliveries.push(deliveryOf(request.id, JSON.parse(request.body)));
          if (this.#setup.unansweredPosts?.includes(this.#posts))
            return { kind: "failed" as const, reason: "timeout", detail: "", durationMillis };
          return { kind: "accepted" as const, status: 200, durationMillis };
        },
      },
      clock: relay.clock,
      random: () => 0.5,
      log: silentLog,
      metrics: silentMetrics,
      settings: {
        leaseMillis: LEASE_MILLIS,
        lingerMillis: 0,
        requestTimeoutMillis: 15_000,
        fastRequestTimeoutMillis: 3_000,
      },
      selectionOf,
      stopping: new AbortController().signal,
    };
    this.#work(
      actor,
      () => deliver(parts, wake.hint, this.#setup.turnMillis ?? 1e9),
      () => void relay.wakes.push({ hint: wake.hint, dueAtEpochMillis: relay.nowEpochMillis }),
    );
  }

  /** A worker holds its hint until it is through; SQS gives the hint again when it is not. */
  #work(actor: string, work: () => Promise<void>, giveBack: () => void): void {
    this.#held.set(actor, giveBack);
    this.scheduler.start(actor, work, () => this.#held.delete(actor));
  }

  #crash(actor: string): void {
    this.scheduler.kill(actor);
    this.#held.get(actor)?.();
    this.#held.delete(actor);
  }

  #faults(): { label: string; take: () => void }[] {
    const { relay, scheduler } = this;
    const options: { label: string; take: () => void }[] = [];
    const offer = (fault: keyof Faults, label: string, take: () => void) => {
      if (this.#left[fault] <= 0) return;
      options.push({
        label,
        take: () => {
          this.#left[fault] -= 1;
          take();
        },
      });
    };
    for (const actor of scheduler.running("notifier"))
      offer("notifierCrashes", `${actor} crashes`, () => this.#crash(actor));
    for (const actor of scheduler.running("deliverer"))
      offer("delivererCrashes", `${actor} crashes`, () => this.#crash(actor));
    for (const actor of scheduler.running("appender"))
      offer("appenderCrashes", `${actor} crashes`, () => this.#crash(actor));
    const [firstNotify] = relay.notifies;
    const [firstWake] = relay.wakes;
    if (firstNotify) {
      offer("doubledHints", "a notify is doubled", () => void relay.notifies.push(firstNotify));
      offer("lostHints", "a notify is lost", () => void relay.notifies.shift());
    }
    if (firstWake) {
      offer("doubledHints", "a wake is doubled", () => void relay.wakes.push(firstWake));
      offer("lostHints", "a wake is lost", () => void relay.wakes.shift());
    }
    if ([...relay.cursors.values()].some(({ state }) => state === "active"))
      offer("leasesRunOut", "leases run out", () => {
        relay.nowEpochMillis += LEASE_MILLIS + 1;
        // The queue gives the wake again that the slow holder still works on.
        for (const [session, { state }] of relay.cursors)
          if (state === "active") relay.wakes.push({ hint: { feed: FEED, session }, dueAtEpochMillis: 0 });
      });
    offer("sweeps", "the sweep runs", () => scheduler.start("sweeper", () => this.sweep()));
    return options;
  }
}

function notifyPorts(relay: MemoryRelay, gate: Gate, mutation: Mutation | undefined) {
  const cursors = relay.cursorStore(gate);
  const wakes = relay.wakeSender(gate);
  const parts = { tails: relay.tailSource(gate), cursors, wakes, clock: relay.clock };
  switch (mutation) {
    case "mark before sending the wake":
      return {
        ...parts,
        cursors: { ...cursors, write: async (cursor: Cursor) => cursor },
        wakes: {
          sendWakes: async (parked: readonly Cursor[]) => {
            for (const cursor of parked)
              await ignoringLostFences(cursors.write(cursor, signal(relay.nowEpochMillis)));
            return wakes.sendWakes(parked);
          },
        },
      };
    case "mark without the fence":
      return {
        ...parts,
        cursors: {
          ...cursors,
          write: async (cursor: Cursor, change: CursorChange) => {
            await gate("writes signalled");
            return relay.writeCursor(cursor, change, (row) => row.state === "parked");
          },
        },
      };
    case "notify reads stale cursors":
      return {
        ...parts,
        cursors: {
          ...cursors,
          listCursors: async () =>
            (await cursors.listCursors()).map((cursor) => relay.staleCursors.get(cursor.session) ?? cursor),
        },
      };
    default:
      return parts;
  }
}

function deliverPorts(relay: MemoryRelay, gate: Gate, mutation: Mutation | undefined) {
  const cursors = relay.cursorStore(gate);
  const pages = relay.pageReader(gate);
  switch (mutation) {
    case "park without reading the tail again": {
      let justParked = false;
      return {
        cursors: {
          ...cursors,
          write: async (cursor: Cursor, change: CursorChange) => {
            const written = await cursors.write(cursor, change);
            justParked = change.state === "parked";
            return written;
          },
        },
        pages: {
          read: async (feed: string, segmentSize: number, next: number) =>
            justParked ? [] : pages.read(feed, segmentSize, next),
        },
      };
    }
    case "cross in two writes":
      return {
        cursors: {
          ...cursors,
          write: async (cursor: Cursor, change: CursorChange) => {
            const { segment, ...rest } = change;
            const row = relay.cursors.get(cursor.session);
            const written = await cursors.write(cursor, rest);
            if (segment === undefined || segment === cursor.segment || row === undefined) return written;
            relay.cursors.set(cursor.session, { ...(relay.cursors.get(cursor.session) ?? row), segment });
            await gate("moves the reference");
            relay.moveReference(row, segment);
            return { ...written, segment };
          },
        },
        pages,
      };
    default:
      return { cursors, pages };
  }
}

async function ignoringLostFences(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!(error instanceof FenceLostError)) throw error;
  }
}
