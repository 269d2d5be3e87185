import { tailSegment } from "../../shared/queue/tail.ts";
import { violations } from "../support/invariants.ts";
import type { FeedRows, Witnessed } from "../support/witnessed.ts";
import { Producers } from "./producers.ts";
import { RunContext } from "./runContext.ts";
import type { Choose, Schedule } from "./scheduler.ts";
import type { Setup } from "./setup.ts";
import { Workers } from "./workers.ts";
import { canRun, type World, type WorldFeed } from "./world.ts";

export interface Verdict {
  /** Violations when every hint is handled, before the last sweeps repair anything. */
  readonly beforeRepair: readonly string[];
  /** Violations at the end. */
  readonly problems: readonly string[];
  readonly trace: readonly string[];
  /** The injected faults of calls. */
  readonly faults: readonly string[];
}

/** Longer than any lease of the setups. */
const LEASE_MILLIS = 21_000;

/**
 * Runs one schedule of a setup: one step at a time, in the order that the schedule chooses. When no work is left, sweeps
 * repair what they can, without further faults.
 * @throws RangeError if the world lacks a fault of the setup
 */
export async function runSchedule(world: World, setup: Setup, schedule: Schedule): Promise<Verdict> {
  if (!canRun(world, setup)) throw new RangeError(`this world cannot run "${setup.name}"`);
  const context = new RunContext(setup, schedule);
  return world.lend(context, (feed) => new ScheduleRun(context, feed).run(schedule.choose));
}

interface Option {
  readonly label: string;
  readonly take: () => void;
}

type Chance = "sweeps" | "crashes" | "lostHints" | "doubledHints" | "leasesExpired";

class ScheduleRun {
  readonly #context: RunContext;
  readonly #feed: WorldFeed;
  readonly #producers: Producers;
  readonly #workers: Workers;
  /** How often each chance may still happen. */
  readonly #left: Record<Chance, number>;
  #started = 0;

  constructor(context: RunContext, feed: WorldFeed) {
    this.#context = context;
    this.#feed = feed;
    this.#left = { ...context.setup };
    this.#producers = new Producers(context, () => {
      const name = this.#newName("ingest");
      return { name, ingest: feed.ingest(name) };
    });
    this.#workers = new Workers(context, feed, (kind) => this.#newName(kind));
    context.atDeath.push(
      (process) => this.#producers.died(process),
      (process) => this.#workers.died(process),
    );
  }

  async run(choose: Choose): Promise<Verdict> {
    const { setup, scheduler, faults, alarms } = this.#context;
    for (let count = 0; count < setup.sessions; count += 1) await this.#feed.createSession();
    setup.producers.forEach((batches, index) => {
      this.#producers.produce(`producer${index}`, batches);
    });
    if (setup.wishes.length > 0) scheduler.start("person", () => this.#feed.fulfil(setup.wishes));
    await this.#work(choose);
    const beforeRepair = this.#problems(await this.#feed.rows());
    const problems = await this.#repair();
    return { beforeRepair, problems: [...problems, ...alarms], trace: scheduler.trace, faults };
  }

  #newName(kind: string): string {
    this.#started += 1;
    return `${kind}${this.#started}`;
  }

  async #work(choose: Choose): Promise<void> {
    const { scheduler } = this.#context;
    await scheduler.run(choose, () => {
      const work = this.#workers.options();
      const isAtRest = work.length + scheduler.steps().length === 0;
      const others = isAtRest ? this.#timePassing() : work;
      // No step is possible and no message is in flight, so the work is done.
      return isAtRest && others.length === 0 ? [] : [...others, ...this.#chances()];
    });
  }

  #timePassing(): Option[] {
    const next = this.#context.hints.nextVisibleAtEpochMillis();
    return next === undefined ? [] : [{ label: "time passes", take: () => this.#context.moveClock(next) }];
  }

  /** Runs one sweep after every lease and hint grace has expired, and one after the grace of freeing. */
  async #repair(): Promise<string[]> {
    const { setup, settings } = this.#context;
    this.#context.isCalm = true;
    for (const millis of [setup.visibilityMillis + 2 * LEASE_MILLIS, 2 * settings.freeGraceMillis]) {
      this.#context.moveClock(this.#context.nowEpochMillis + millis);
      this.#startSweep();
      await this.#work(() => 0);
    }
    const rows = await this.#feed.rows();
    return [...this.#problems(rows), ...this.#notFreed(rows)];
  }

  #problems(rows: FeedRows): string[] {
    const { scheduler } = this.#context;
    return [
      ...scheduler.failures.map((failure) => `an actor failed: ${String(failure)}`),
      ...this.#feed.problems(),
      ...violations(rows, this.#witnessed(rows)),
    ];
  }

  #witnessed({ cursors }: FeedRows): Witnessed {
    const moves = this.#feed.moves();
    const starts = new Map<string, number>();
    for (const { session, next } of moves) if (!starts.has(session)) starts.set(session, next);
    const sessions = [...starts].map(([session, start]) => {
      const cursor = cursors.find((each) => each.session === session);
      const mustReachTail = cursor !== undefined && cursor.state !== "paused" && cursor.state !== "suspended";
      return { session, start, mustReachTail };
    });
    return { accepted: this.#producers.accepted, deliveries: this.#context.deliveries, sessions, moves };
  }

  /** When every session is at the tail, only the tail's segment may be left. */
  #notFreed(rows: FeedRows): string[] {
    const { head, pages } = rows;
    const last = pages.at(-1);
    if (last === undefined || this.#witnessed(rows).sessions.some(({ mustReachTail }) => !mustReachTail))
      return [];
    const wanted = tailSegment({ next: last.first + last.events.length, segmentSize: head.segmentSize });
    return head.headSegment === wanted && head.clearedSegment === wanted
      ? []
      : [
          `the head is segment ${head.headSegment}, cleared below ${head.clearedSegment}, where ${wanted} could be`,
        ];
  }

  #startSweep(): void {
    const name = this.#newName("sweep");
    const sweep = this.#feed.sweep(name);
    // A sweep may fail: the next one repeats its work.
    this.#context.scheduler.start(name, () => sweep().catch(() => {}));
  }

  /** The faults and sweeps that may happen now, until the setup's number of each is used up. */
  #chances(): Option[] {
    const { setup, isCalm, random, hints, nowEpochMillis } = this.#context;
    if (isCalm || random() >= setup.chanceRate) return [];
    const options: Option[] = [];
    const offer = (chance: Chance, label: string, take: () => void) => {
      if (this.#left[chance] <= 0) return;
      options.push({
        label,
        take: () => {
          this.#left[chance] -= 1;
          take();
        },
      });
    };
    this.#offerCrashes(offer);
    for (const queue of ["notify", "wake"] as const) {
      const [message] = hints.visible(queue, nowEpochMillis);
      if (!message) continue;
      offer("lostHints", `a ${queue} message is lost`, () => hints.take(queue, [message]));
      offer("doubledHints", `a ${queue} message is doubled`, () => hints.put(queue, message));
    }
    if (this.#workers.hasDelivered) offer("leasesExpired", "leases expire", () => this.#expireLeases());
    offer("sweeps", "a sweep begins", () => this.#startSweep());
    return options;
  }

  #offerCrashes(offer: (chance: Chance, label: string, take: () => void) => void): void {
    const { setup, scheduler } = this.#context;
    for (const actor of scheduler.running(setup.crashing ?? "").filter((name) => name !== "person")) {
      offer("crashes", `${actor} crashes`, () => this.#context.crash(actor));
      // A crash right after the call that the actor is about to make.
      const { dieAfterCall } = this.#feed;
      const step = dieAfterCall && scheduler.steps().find(({ label }) => isCallOf(actor, label));
      if (step)
        offer("crashes", `${actor} crashes after its call`, () => {
          dieAfterCall(actor);
          step.take();
        });
    }
  }

  #expireLeases(): void {
    this.#context.moveClock(this.#context.nowEpochMillis + LEASE_MILLIS);
    if (this.#context.setup.visibilityMillis <= LEASE_MILLIS) this.#workers.visibilityIsOver();
  }
}

function isCallOf(actor: string, label: string): boolean {
  return label.startsWith(`${actor} `) && !/ (posts|sleeps|gets the response .*)$/.test(label);
}
