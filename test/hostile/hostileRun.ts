import type { APIGatewayProxyStructuredResultV2, SQSBatchResponse } from "aws-lambda";
import { createHandler as createDeliver } from "../../functions/deliver/handler.ts";
import type { HandlerOptions } from "../../functions/handlerOptions.ts";
import { createHandler as createIngest } from "../../functions/ingest/handler.ts";
import { createHandler as createNotify } from "../../functions/notify/handler.ts";
import { createHandler as createSweep } from "../../functions/sweep/handler.ts";
import { HeadStore } from "../../shared/aws/heads.ts";
import { tailSegment } from "../../shared/queue/tail.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { readSettings, type Settings } from "../../shared/runtime/settings.ts";
import { type Choose, chooseBySeed, Scheduler, seededRandom } from "../protocol/scheduler.ts";
import type { AwsAnswer, AwsCall } from "../support/awsCalls.ts";
import { readFeedRows } from "../support/feedRows.ts";
import { type Fault, faultsOf, hostileAws } from "../support/hostileAws.ts";
import { appendRequest } from "../support/ingestOnItsOwn.ts";
import { violations } from "../support/invariants.ts";
import {
  type AcceptedEvent,
  acceptedAs,
  type Delivery,
  deliveryOf,
  eventText,
  type FeedRows,
  type Witnessed,
} from "../support/witnessed.ts";
import { CursorMoves } from "./cursorMoves.ts";
import { type HintQueue, HintQueues, sqsEvent } from "./hintQueues.ts";
import { Person, type Wish } from "./person.ts";
import { actorOf, type World } from "./world.ts";

/** What one run is made of. Everything that happens in it follows from this and the seed. */
export interface Setup {
  readonly name: string;
  /** Batches that each producer sends, one after the other, each until it is accepted. */
  readonly producers: readonly number[];
  readonly sessions: number;
  readonly notifiers: number;
  readonly deliverers: number;
  /** How many sweeps begin while there is work; they may overlap. */
  readonly sweeps: number;
  /** How many calls meet a fault. */
  readonly awsFaults: number;
  /** Whether only first tries meet faults, so that the SDK's next try succeeds. */
  readonly onlyFirstTries?: boolean;
  readonly crashes: number;
  readonly lostHints: number;
  readonly doubledHints: number;
  readonly refusedPosts: number;
  readonly leasesRunOut: number;
  /** Clocks of processes differ by up to this. */
  readonly clockSkewMillis: number;
  /** What people do meanwhile, in this order. */
  readonly wishes: readonly Wish[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface Verdict {
  /** What does not hold once every hint is worked off, before the last sweeps have repaired anything. */
  readonly beforeRepair: readonly string[];
  /** What does not hold at the end. */
  readonly problems: readonly string[];
  readonly trace: readonly string[];
  readonly calls: number;
  readonly faults: readonly string[];
}

/** Shares of the calls that meet a fault, until the setup's faults are used up. Most calls are reads, and harmless. */
const READ_FAULT_RATE = 0.02;
const WRITE_FAULT_RATE = 0.15;
/** Share of the steps at which something may happen beside the work; else all of it would happen at the beginning. */
const CHANCE_RATE = 0.12;
/** Share of the calls whose answer is a step of its own. */
const LATE_ANSWER_RATE = 0.25;
const VISIBILITY_MILLIS = 65_000;
const LEASE_MILLIS = 21_000;
const EVENTS_PER_BATCH = 3;

/** Runs the real handlers against the real SDK and the embedded DynamoDB, one call at a time, in an order that `seed` gives. */
export async function runHostile(world: World, setup: Setup, seed: number): Promise<Verdict> {
  const random = seededRandom(seed);
  const run = new HostileRun(world, setup, random);
  const originalRandom = Math.random;
  // Handlers take their jitter from here.
  Math.random = random;
  try {
    return await run.run(chooseBySeed(seed, random));
  } finally {
    Math.random = originalRandom;
  }
}

type Chance = "sweeps" | "crashes" | "lostHints" | "doubledHints" | "leasesRunOut";

interface Process<Handler> {
  readonly name: string;
  readonly handler: Handler;
  idle: boolean;
}

class HostileRun {
  readonly #world: World;
  readonly #setup: Setup;
  readonly #settings: Settings;
  readonly #random: () => number;
  readonly #scheduler = new Scheduler();
  readonly #queues = new HintQueues();
  readonly #moves: CursorMoves;
  readonly #deliveries: Delivery[] = [];
  readonly #accepted: AcceptedEvent[] = [];
  readonly #faults: string[] = [];
  readonly #alarms: string[] = [];
  readonly #left: Record<Chance | "awsFaults" | "refusedPosts", number>;
  /** What must happen when a process dies: its messages come back, its producer sends again. */
  readonly #atDeath = new Map<string, () => void>();
  /** When an append's AbortSignal would fire, which counts real time: no put of it starts later. */
  readonly #deadlines = new Map<string, number>();
  readonly #tried = new WeakSet<object>();
  readonly #diesAfterCall = new Set<string>();
  readonly #notifiers: Process<ReturnType<typeof createNotify>>[] = [];
  readonly #deliverers: Process<ReturnType<typeof createDeliver>>[] = [];
  readonly #hostile;
  #feed = "";
  #person: Person | undefined;
  #nowEpochMillis = 1_800_000_000_000;
  #started = 0;
  #calls = 0;
  #isCalm = false;

  constructor(world: World, setup: Setup, random: () => number) {
    this.#world = world;
    this.#setup = setup;
    this.#random = random;
    this.#left = { ...setup };
    this.#settings = readSettings(setup.environment);
    this.#moves = new CursorMoves(world.tableNames.cursors);
    this.#hostile = hostileAws((call) => this.#faultFor(call));
  }

  run(choose: Choose): Promise<Verdict> {
    return this.#world.lend(
      (call, perform) => this.#onCall(call, perform),
      async (feed) => {
        this.#feed = feed;
        await this.#prepare();
        await this.#work(choose);
        const rows = await this.#rows();
        const beforeRepair = violations(rows, this.#witnessed(rows));
        const problems = await this.#repair();
        return {
          beforeRepair,
          problems: [...problems, ...this.#alarms],
          trace: this.#scheduler.trace,
          calls: this.#calls,
          faults: this.#faults,
        };
      },
    );
  }

  async #prepare(): Promise<void> {
    const { clients, tableNames } = this.#world;
    await new HeadStore(clients.documents, tableNames.queue).createFeed(
      this.#feed,
      this.#settings.segmentSize,
    );
    this.#person = new Person(this.#world, this.#feed, this.#settings, this.#clockOf(""));
    for (let count = 0; count < this.#setup.sessions; count += 1) await this.#person.createSession("head");
    this.#setup.producers.forEach((batches, index) => {
      this.#produce(`producer${index}`, batches);
    });
    this.#person.startWishes(this.#setup.wishes, (act) => this.#runActor("person", act));
  }

  async #work(choose: Choose): Promise<void> {
    await this.#scheduler.run(choose, () => {
      const work = [
        ...this.#hintsToWorkOn("notify"),
        ...this.#hintsToWorkOn("wake"),
        ...this.#hintsToWorkOn("slow"),
      ];
      if (this.#isCalm) return work.length + this.#scheduler.steps().length > 0 ? work : this.#timePassing();
      const more = [...work, ...this.#chances()];
      return work.length + this.#scheduler.steps().length > 0 ? more : [...this.#timePassing(), ...more];
    });
  }

  /**
   * One sweep after every lease has run out and every lost hint counts as lost, and one after the grace. Nothing else
   * goes wrong meanwhile.
   */
  async #repair(): Promise<string[]> {
    this.#isCalm = true;
    for (const millis of [VISIBILITY_MILLIS + LEASE_MILLIS, 2 * this.#settings.freeGraceMillis]) {
      this.#nowEpochMillis += millis;
      this.#startSweep();
      await this.#work(() => 0);
    }
    const rows = await this.#rows();
    const witnessed = this.#witnessed(rows);
    return [
      ...violations(rows, witnessed),
      ...this.#notFreed(rows, witnessed),
      ...this.#scheduler.failures.map((failure) => `an actor failed: ${String(failure)}`),
    ];
  }

  /** With every session at the tail, only the tail's segment is left. */
  #notFreed({ head, pages }: FeedRows, { sessions }: Witnessed): string[] {
    const last = pages.at(-1);
    if (last === undefined || sessions.some(({ mustReachTail }) => !mustReachTail)) return [];
    const wanted = tailSegment({ next: last.first + last.events.length, segmentSize: head.segmentSize });
    return head.headSegment === wanted && head.clearedSegment === wanted
      ? []
      : [
          `the head is segment ${head.headSegment}, cleared below ${head.clearedSegment}, where ${wanted} could be`,
        ];
  }

  #rows(): Promise<FeedRows> {
    return readFeedRows(this.#world.clients.documents, this.#world.tableNames, this.#feed);
  }

  #witnessed({ cursors }: FeedRows): Witnessed {
    const sessions = [...new Set(this.#moves.moves.map(({ session }) => session))].map((session) => {
      const cursor = cursors.find((each) => each.session === session);
      return {
        session,
        start: this.#moves.moves.find((each) => each.session === session)?.next ?? 1,
        mustReachTail: cursor !== undefined && cursor.state !== "paused" && cursor.state !== "suspended",
      };
    });
    return { accepted: this.#accepted, deliveries: this.#deliveries, sessions, moves: this.#moves.moves };
  }

  // One call of an actor: waits for its turn, meets a fault or not, and may be the last of its process.
  async #onCall(call: AwsCall, perform: () => Promise<AwsAnswer>): Promise<AwsAnswer> {
    const actor = actorOf.getStore();
    if (actor === undefined) return this.#perform(call, perform);
    await this.#scheduler.gateOf(actor)(labelOf(call));
    this.#calls += 1;
    if (call.command === "PutItem" && this.#nowEpochMillis > (this.#deadlines.get(actor) ?? 0))
      throw aborted();
    const work = this.#hostile(call, () => this.#perform(call, perform));
    const done = await this.#scheduler.during(Promise.allSettled([work]));
    if (this.#diesAfterCall.delete(actor)) {
      this.#crash(actor);
      return new Promise(() => {});
    }
    // An answer may be under way while others act: what it says is then old news.
    if (!this.#isCalm && this.#random() < LATE_ANSWER_RATE)
      await this.#scheduler.gateOf(actor)(`gets the answer to ${call.command}`);
    const [outcome] = done;
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  }

  async #perform(call: AwsCall, perform: () => Promise<AwsAnswer>): Promise<AwsAnswer> {
    if (call.service === "sqs") return this.#queues.send(call, this.#nowEpochMillis);
    const answer = await perform();
    this.#moves.note(call);
    return answer;
  }

  #faultFor(call: AwsCall): Fault | undefined {
    if (this.#isCalm || actorOf.getStore() === undefined || this.#left.awsFaults <= 0) return undefined;
    // The input of a call is the same object at each try.
    const isFirstTry = !this.#tried.has(call.input);
    this.#tried.add(call.input);
    if ((this.#setup.onlyFirstTries && !isFirstTry) || this.#random() >= faultRateOf(call)) return undefined;
    const faults = faultsOf(call);
    const fault = faults[Math.floor(this.#random() * faults.length)];
    this.#left.awsFaults -= 1;
    this.#faults.push(`${fault}: ${call.command}`);
    this.#scheduler.trace.push(`  (${fault})`);
    return fault;
  }

  #runActor(name: string, act: () => Promise<void>): void {
    this.#scheduler.start(name, () => actorOf.run(name, act));
  }

  #options(name: string): HandlerOptions {
    return {
      clients: this.#world.clients,
      clock: this.#clockOf(name),
      log: { ...silentLog, error: (message, facts) => this.#alarm(message, facts) },
      metrics: silentMetrics,
    };
  }

  /** The audit's finding is a violation whenever it is made. Other errors are what is being provoked. */
  #alarm(message: string, facts?: Record<string, unknown>): void {
    if (message.startsWith("reference counts")) this.#alarms.push(`${message}: ${JSON.stringify(facts)}`);
  }

  #clockOf(name: string): Clock {
    const skewMillis = Math.floor((2 * this.#random() - 1) * this.#setup.clockSkewMillis);
    return {
      nowEpochMillis: () => this.#nowEpochMillis + (name === "" ? 0 : skewMillis),
      sleep: async (millis) => {
        const dueAtEpochMillis = this.#nowEpochMillis + millis;
        await this.#scheduler.gateOf(actorOf.getStore() ?? "")("sleeps");
        this.#moveClock(dueAtEpochMillis);
      },
    };
  }

  /** Forward; what is in the past is due already. */
  #moveClock(toEpochMillis: number): void {
    this.#nowEpochMillis = Math.max(this.#nowEpochMillis, toEpochMillis);
  }

  /** Sends batch after batch until each is accepted; a process that fails or dies makes the producer send again. */
  #produce(
    producer: string,
    batches: number,
    sent = 0,
    ingest?: Process<ReturnType<typeof createIngest>>,
  ): void {
    if (sent === batches) return;
    const process =
      ingest ?? this.#newProcess("ingest", (options) => createIngest({ ...this.#environment() }, options));
    const position = sent * EVENTS_PER_BATCH + 1;
    const events = Array.from({ length: EVENTS_PER_BATCH }, (_, index) => ({
      type: "A",
      producer,
      number: position + index,
    }));
    const request = appendRequest(this.#feed, events);
    const headers = { ...request.headers, "relay-producer": producer, "relay-position": String(position) };
    this.#atDeath.set(process.name, () => this.#produce(producer, batches, sent));
    this.#deadlines.set(process.name, this.#nowEpochMillis + this.#settings.appendTimeoutMillis);
    this.#runActor(process.name, async () => {
      const answer = (await process.handler({ ...request, headers })) as APIGatewayProxyStructuredResultV2;
      this.#atDeath.delete(process.name);
      if (answer.statusCode !== 202) return this.#produce(producer, batches, sent, process);
      this.#accepted.push(...acceptedAs(events.map(eventText), JSON.parse(String(answer.body))));
      this.#produce(producer, batches, sent + 1, process);
    });
  }

  #environment() {
    return { ...this.#world.environment, ...this.#setup.environment };
  }

  #newProcess<Handler>(kind: string, create: (options: HandlerOptions) => Handler): Process<Handler> {
    const name = `${kind}${this.#started++}`;
    return { name, handler: create(this.#options(name)), idle: true };
  }

  #hintsToWorkOn(queue: HintQueue): { label: string; take: () => void }[] {
    const messages = this.#queues.visible(queue, this.#nowEpochMillis);
    if (messages.length === 0) return [];
    const process = queue === "notify" ? this.#idleNotifier() : this.#idleDeliverer();
    if (process === undefined) return [];
    const given = messages.slice(0, 1 + Math.floor(this.#random() * 3));
    return [
      {
        label: `queue gives ${process.name} ${given.length} ${queue} messages`,
        take: () => {
          this.#queues.take(queue, given);
          process.idle = false;
          const giveBack = (failed: (id: string) => boolean) => {
            for (const message of given.filter(({ id }) => failed(id)))
              this.#queues.put(queue, {
                ...message,
                visibleAtEpochMillis: this.#nowEpochMillis + VISIBILITY_MILLIS,
              });
          };
          this.#atDeath.set(process.name, () => giveBack(() => true));
          this.#runActor(process.name, async () => {
            const { batchItemFailures }: SQSBatchResponse = await process.handler(sqsEvent(given));
            this.#atDeath.delete(process.name);
            const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
            giveBack((id) => failed.has(id));
            process.idle = true;
          });
        },
      },
    ];
  }

  #idleNotifier() {
    const idle = this.#notifiers.find((process) => process.idle);
    if (idle || this.#notifiers.length >= this.#setup.notifiers) return idle;
    const process = this.#newProcess("notify", (options) => createNotify(this.#environment(), options));
    this.#notifiers.push(process);
    return process;
  }

  #idleDeliverer() {
    const idle = this.#deliverers.find((process) => process.idle);
    if (idle || this.#deliverers.length >= this.#setup.deliverers) return idle;
    const process = this.#newProcess("deliver", (options) =>
      createDeliver(this.#environment(), { ...options, webhook: { post: (request) => this.#post(request) } }),
    );
    this.#deliverers.push(process);
    return process;
  }

  async #post({ id, body }: { id: string; body: string }) {
    await this.#scheduler.gateOf(actorOf.getStore() ?? "")("posts");
    this.#deliveries.push(deliveryOf(id, JSON.parse(body)));
    this.#scheduler.trace.push(`  (${id})`);
    const durationMillis = 1;
    if (this.#isCalm || this.#left.refusedPosts <= 0 || this.#random() >= 0.2)
      return { kind: "accepted" as const, status: 200, durationMillis };
    this.#left.refusedPosts -= 1;
    // Refused, or accepted with an answer that did not arrive: for the relay it is the same.
    return { kind: "failed" as const, reason: "timeout", detail: "", durationMillis };
  }

  #startSweep(): void {
    const process = this.#newProcess("sweep", (options) => createSweep(this.#environment(), options));
    this.#runActor(process.name, async () => {
      // A sweep that fails is followed by the next one.
      await process.handler({}).catch(() => {});
    });
  }

  #timePassing(): { label: string; take: () => void }[] {
    const next = this.#queues.nextVisibleAtEpochMillis();
    if (next === undefined) return [];
    return [{ label: "time passes", take: () => this.#moveClock(next) }];
  }

  #crash(actor: string): void {
    this.#scheduler.kill(actor);
    for (const processes of [this.#notifiers, this.#deliverers]) {
      const index = processes.findIndex(({ name }) => name === actor);
      if (index >= 0) processes.splice(index, 1);
    }
    const atDeath = this.#atDeath.get(actor);
    this.#atDeath.delete(actor);
    atDeath?.();
  }

  /** What may happen beside the work. Each is offered while the setup's number of it lasts. */
  #chances(): { label: string; take: () => void }[] {
    if (this.#random() >= CHANCE_RATE) return [];
    const options: { label: string; take: () => void }[] = [];
    const offer = (kind: Chance, label: string, take: () => void) => {
      if (this.#left[kind] <= 0) return;
      options.push({
        label,
        take: () => {
          this.#left[kind] -= 1;
          take();
        },
      });
    };
    for (const actor of this.#scheduler.running("").filter((name) => name !== "person")) {
      offer("crashes", `${actor} crashes`, () => this.#crash(actor));
      // The same, but what it is about to do still happens.
      const [step] = this.#scheduler
        .steps()
        .filter(
          ({ label }) => label.startsWith(`${actor} `) && !/ (posts|sleeps|gets the answer .*)$/.test(label),
        );
      if (step)
        offer("crashes", `${actor} crashes after its call`, () => {
          this.#diesAfterCall.add(actor);
          step.take();
        });
    }
    for (const queue of ["notify", "wake"] as const) {
      const [message] = this.#queues.visible(queue, this.#nowEpochMillis);
      if (!message) continue;
      offer("lostHints", `a ${queue} message is lost`, () => this.#queues.take(queue, [message]));
      offer("doubledHints", `a ${queue} message is doubled`, () => this.#queues.put(queue, message));
    }
    offer("leasesRunOut", "leases run out", () => this.#moveClock(this.#nowEpochMillis + LEASE_MILLIS));
    offer("sweeps", "a sweep begins", () => this.#startSweep());
    return options;
  }
}

function faultRateOf({ command }: AwsCall): number {
  return ["GetItem", "Query", "Scan", "BatchGetItem"].includes(command) ? READ_FAULT_RATE : WRITE_FAULT_RATE;
}

function aborted(): Error {
  return Object.assign(new Error("Request aborted"), { name: "AbortError" });
}

function labelOf({ command, input }: AwsCall): string {
  const key = input.Key ?? input.Item ?? input.ExpressionAttributeValues ?? {};
  const where = (key.sk ?? key[":pk"] ?? key.pk)?.S ?? input.QueueUrl ?? "";
  return `${command} ${where}`;
}
