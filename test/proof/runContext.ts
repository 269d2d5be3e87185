import type { Clock } from "../../shared/runtime/clock.ts";
import { type Log, silentLog } from "../../shared/runtime/log.ts";
import { readSettings, type Settings } from "../../shared/runtime/settings.ts";
import type { DeliveryOutcome } from "../../shared/webhook/outcome.ts";
import { type Delivery, deliveryOf } from "../support/witnessed.ts";
import { HintQueues } from "./hintQueues.ts";
import { type Schedule, Scheduler } from "./scheduler.ts";
import type { Setup } from "./setup.ts";
import type { Run } from "./world.ts";

/** The clock, the endpoints and the hint queues of one run, and the record of its deliveries and faults. */
export class RunContext implements Run {
  readonly setup: Setup;
  readonly settings: Settings;
  readonly scheduler = new Scheduler();
  readonly hints = new HintQueues();
  readonly random: () => number;
  /** Called with the name of each process that dies. */
  readonly atDeath: ((process: string) => void)[] = [];
  readonly deliveries: Delivery[] = [];
  readonly faults: string[] = [];
  readonly alarms: string[] = [];
  isCalm = false;
  nowEpochMillis = 1_800_000_000_000;
  readonly #putDeadlines = new Map<string, number>();
  #posts = 0;

  constructor(setup: Setup, { random }: Schedule) {
    this.setup = setup;
    this.settings = readSettings(setup.environment);
    this.random = random;
  }

  /** A finding of the audit is always a violation. Other errors are provoked on purpose. */
  readonly log: Log = {
    ...silentLog,
    error: (message, facts) => {
      if (message.startsWith("reference counts")) this.alarms.push(`${message}: ${JSON.stringify(facts)}`);
    },
  };

  clockOf(process: string): Clock {
    const { clockSkewMillis } = this.setup;
    const skewMillis = clockSkewMillis && Math.floor((2 * this.random() - 1) * clockSkewMillis);
    return {
      nowEpochMillis: () => this.nowEpochMillis + skewMillis,
      sleep: async (millis) => {
        const dueAtEpochMillis = this.nowEpochMillis + millis;
        await this.scheduler.gateOf(process)("sleeps");
        this.moveClock(dueAtEpochMillis);
      },
    };
  }

  /** Moves the clock forward. A time in the past is already due and changes nothing. */
  moveClock(toEpochMillis: number): void {
    this.nowEpochMillis = Math.max(this.nowEpochMillis, toEpochMillis);
  }

  appendBegins(process: string): void {
    this.#putDeadlines.set(process, this.nowEpochMillis + this.settings.appendTimeoutMillis);
  }

  mayPut(process: string): boolean {
    return this.nowEpochMillis <= (this.#putDeadlines.get(process) ?? 0);
  }

  async post(process: string, { id, body }: { id: string; body: string }): Promise<DeliveryOutcome> {
    await this.scheduler.gateOf(process)("posts");
    this.#posts += 1;
    const fails = (posts: readonly number[]) => !this.isCalm && posts.includes(this.#posts);
    const durationMillis = 1;
    if (fails(this.setup.refusedPosts))
      return { kind: "failed", reason: "http.status", detail: "", status: 500, durationMillis };
    this.deliveries.push(deliveryOf(id, JSON.parse(body)));
    this.scheduler.trace.push(`  (${id})`);
    return fails(this.setup.unansweredPosts)
      ? { kind: "failed", reason: "timeout", detail: "", durationMillis }
      : { kind: "accepted", status: 200, durationMillis };
  }

  crash(process: string): void {
    this.scheduler.kill(process);
    for (const listener of this.atDeath) listener(process);
  }

  note(fault: string): void {
    this.faults.push(fault);
    this.scheduler.trace.push(`  (${fault})`);
  }
}
