import type { APIGatewayProxyStructuredResultV2, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { createHandler as createDeliver } from "../../functions/deliver/handler.ts";
import type { HandlerOptions } from "../../functions/handlerOptions.ts";
import { createHandler as createIngest } from "../../functions/ingest/handler.ts";
import { createHandler as createNotify } from "../../functions/notify/handler.ts";
import { createHandler as createSweep } from "../../functions/sweep/handler.ts";
import { HeadStore } from "../../shared/aws/heads.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import type { WebhookRequest } from "../../shared/webhook/webhookClient.ts";
import type { AwsAnswer, AwsCall } from "../support/awsCalls.ts";
import { readFeedRows } from "../support/feedRows.ts";
import { type Fault, faultsOf, hostileAws } from "../support/hostileAws.ts";
import { appendRequest } from "../support/ingestOnItsOwn.ts";
import { jsonOf } from "../support/webhookBodies.ts";
import { CursorMoves } from "./cursorMoves.ts";
import { actorOf, Engine } from "./engine.ts";
import { Person } from "./person.ts";
import { answerSend, sqsEvent } from "./sqsHints.ts";
import type { Wish } from "./wish.ts";
import type { Batch, Numbers, Run, Worker, World, WorldFeed } from "./world.ts";

/** Shares of the calls that meet a fault, until the setup's faults are used up. Most calls are reads. */
const READ_FAULT_RATE = 0.02;
const WRITE_FAULT_RATE = 0.15;
/** Share of the calls whose response arrives in a separate step. */
const LATE_ANSWER_RATE = 0.25;

/** The real handlers over the real SDK and the embedded DynamoDB: one call to AWS at a time. */
export class EngineWorld implements World, AsyncDisposable {
  static readonly lacks: World["lacks"] = ["shortTurns"];
  readonly lacks = EngineWorld.lacks;
  readonly #engine: Engine;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  static async start(): Promise<EngineWorld> {
    return new EngineWorld(await Engine.start());
  }

  async lend<T>(run: Run, use: (feed: WorldFeed) => Promise<T>): Promise<T> {
    const calls = new CallsOfRun(run, new CursorMoves(this.#engine.tableNames.cursors));
    const originalRandom = Math.random;
    // The handlers' jitter comes from Math.random.
    Math.random = run.random;
    try {
      return await this.#engine.lend(
        (call, perform) => calls.onCall(call, perform),
        async (feed) => {
          const { clients, tableNames } = this.#engine;
          await new HeadStore(clients.documents, tableNames.queue).createFeed(feed, run.settings.segmentSize);
          return use(new EngineFeed(this.#engine, feed, run, calls));
        },
      );
    } finally {
      Math.random = originalRandom;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#engine[Symbol.asyncDispose]();
  }
}

/** Applies the gates and the faults to the calls of a run's processes. */
class CallsOfRun {
  readonly moves: CursorMoves;
  readonly #run: Run;
  readonly #diesAfterCall = new Set<string>();
  readonly #tried = new WeakSet<object>();
  readonly #hostile = hostileAws((call) => this.#faultFor(call));
  #faultsLeft: number;

  constructor(run: Run, moves: CursorMoves) {
    this.#run = run;
    this.moves = moves;
    this.#faultsLeft = run.setup.awsFaults;
  }

  dieAfterCall(process: string): void {
    this.#diesAfterCall.add(process);
  }

  /** One call of a process: waits at its gate, may meet a fault, and may be the process's last. */
  async onCall(call: AwsCall, perform: () => Promise<AwsAnswer>): Promise<AwsAnswer> {
    const run = this.#run;
    const process = actorOf.getStore();
    if (process === undefined) return this.#perform(call, perform);
    const gate = run.scheduler.gateOf(process);
    await gate(labelOf(call));
    if (call.command === "PutItem" && !run.mayPut(process)) throw aborted();
    const work = this.#hostile(call, () => this.#perform(call, perform));
    const [outcome] = await run.scheduler.during(Promise.allSettled([work]));
    if (this.#diesAfterCall.delete(process)) {
      run.crash(process);
      return new Promise(() => {});
    }
    // A response may be in flight while other processes act, so it can be outdated on arrival.
    if (!run.isCalm && run.random() < LATE_ANSWER_RATE) await gate(`gets the response to ${call.command}`);
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  }

  async #perform(call: AwsCall, perform: () => Promise<AwsAnswer>): Promise<AwsAnswer> {
    if (call.service === "sqs") return answerSend(this.#run.hints, call, this.#run.nowEpochMillis);
    const answer = await perform();
    this.moves.note(call);
    return answer;
  }

  #faultFor(call: AwsCall): Fault | undefined {
    const { isCalm, random, setup } = this.#run;
    if (isCalm || actorOf.getStore() === undefined || this.#faultsLeft <= 0) return undefined;
    // Each try of a call has the same input object.
    const isFirstTry = !this.#tried.has(call.input);
    this.#tried.add(call.input);
    if ((setup.onlyFirstTries && !isFirstTry) || random() >= faultRateOf(call)) return undefined;
    const faults = faultsOf(call);
    const fault = faults[Math.floor(random() * faults.length)];
    this.#faultsLeft -= 1;
    this.#run.note(`${fault}: ${call.command}`);
    return fault;
  }
}

class EngineFeed implements WorldFeed {
  readonly #engine: Engine;
  readonly #feed: string;
  readonly #run: Run;
  readonly #calls: CallsOfRun;
  readonly #person: Person;
  readonly #environment;

  constructor(engine: Engine, feed: string, run: Run, calls: CallsOfRun) {
    this.#engine = engine;
    this.#feed = feed;
    this.#run = run;
    this.#calls = calls;
    const cursorGroups = run.settings.cursorGroups && !run.setup.packs;
    this.#person = new Person(engine, feed, { ...run.settings, cursorGroups }, run.clockOf("person"));
    this.#environment = { ...engine.environment, ...run.setup.environment };
  }

  createSession(): Promise<void> {
    return this.#person.createSession("head");
  }

  fulfil(wishes: readonly Wish[]): Promise<void> {
    return actorOf.run("person", () => this.#person.fulfil(wishes));
  }

  ingest(process: string): (batch: Batch) => Promise<Numbers | undefined> {
    const ingest = createIngest(this.#environment, this.#options(process));
    return async ({ producer, position, events }) => {
      const request = appendRequest(this.#feed, events);
      const headers = { ...request.headers, "relay-producer": producer, "relay-position": String(position) };
      const answer = await actorOf.run(process, () => ingest({ ...request, headers }));
      const { statusCode, body } = answer as APIGatewayProxyStructuredResultV2;
      return statusCode === 202 ? JSON.parse(String(body)) : undefined;
    };
  }

  notify(process: string): Worker {
    return workerOf(process, createNotify(this.#environment, this.#options(process)));
  }

  deliver(process: string): Worker {
    const webhook = {
      post: ({ id, body }: Pick<WebhookRequest, "id" | "body">) =>
        this.#run.post(process, { id, body: jsonOf(body) }),
    };
    return workerOf(process, createDeliver(this.#environment, { ...this.#options(process), webhook }));
  }

  sweep(process: string): () => Promise<void> {
    const sweep = createSweep(this.#environment, this.#options(process));
    return async () => void (await actorOf.run(process, () => sweep({})));
  }

  rows() {
    return readFeedRows(this.#engine.clients.documents, this.#engine.tableNames, this.#feed);
  }

  moves() {
    return this.#calls.moves.moves;
  }

  problems(): string[] {
    return [];
  }

  readonly dieAfterCall = (process: string): void => this.#calls.dieAfterCall(process);

  #options(process: string): HandlerOptions {
    return {
      clients: this.#engine.clients,
      clock: this.#run.clockOf(process),
      log: this.#run.log,
      metrics: silentMetrics,
    };
  }
}

function workerOf(process: string, handler: (event: SQSEvent) => Promise<SQSBatchResponse>): Worker {
  return async (messages) => {
    const { batchItemFailures } = await actorOf.run(process, () => handler(sqsEvent(messages)));
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
}

function faultRateOf({ command }: AwsCall): number {
  return ["GetItem", "Query", "Scan", "BatchGetItem"].includes(command) ? READ_FAULT_RATE : WRITE_FAULT_RATE;
}

function aborted(): Error {
  return Object.assign(new Error("Request aborted"), { name: "AbortError" });
}

function labelOf({ command, input }: AwsCall): string {
  const key = input.Key ?? input.Item ?? input.ExpressionAttributeValues ?? {};
  const named = (key.sk ?? key[":pk"] ?? key.pk)?.S ?? input.QueueUrl ?? "";
  // An entry of the attempts has a random id behind its time.
  const where = named.replace(/#[0-9a-f-]{36}$/, "");
  return `${command} ${where}`;
}
