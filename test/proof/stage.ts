import type { APIGatewayProxyStructuredResultV2, SQSBatchResponse } from "aws-lambda";
import { createHandler as createDeliver } from "../../functions/deliver/handler.ts";
import { createHandler as createIngest } from "../../functions/ingest/handler.ts";
import { createHandler as createNotify } from "../../functions/notify/handler.ts";
import { createHandler as createSweep } from "../../functions/sweep/handler.ts";
import { HeadStore } from "../../shared/aws/heads.ts";
import { openCursors, openSessions, type SessionStores } from "../../shared/aws/openSessions.ts";
import type { CursorGroup } from "../../shared/groups/group.ts";
import type { WakeHint } from "../../shared/queue/hints.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { type Environment, readSettings, type Settings } from "../../shared/runtime/settings.ts";
import type { AwsCall, Intercept } from "../support/awsCalls.ts";
import { readFeedRows } from "../support/feedRows.ts";
import { type Fault, hostileAws } from "../support/hostileAws.ts";
import { appendRequest } from "../support/ingestOnItsOwn.ts";
import { expectInvariants } from "../support/invariants.ts";
import { jsonOf } from "../support/webhookBodies.ts";
import { type Delivery, deliveryOf, eventText, type FeedRows, type Witnessed } from "../support/witnessed.ts";
import type { Engine } from "./engine.ts";
import { HintQueues } from "./hintQueues.ts";
import { Person } from "./person.ts";
import { answerSend, sqsEvent } from "./sqsHints.ts";

interface Post {
  readonly delivery: Delivery;
  readonly epoch: number;
}

/** The real handlers on one feed. A test calls them one at a time and decides which calls to AWS fail. */
export class Stage {
  readonly feed: string;
  readonly person: Person;
  readonly settings: Settings;
  readonly posts: Post[] = [];
  readonly accepted: Witnessed["accepted"][number][] = [];
  readonly logged: { level: string; message: string; facts: unknown }[] = [];
  nowEpochMillis = 1_800_000_000_000;
  /** Runs while an endpoint works on a request. */
  whilePosting: () => Promise<void> = async () => {};
  readonly #engine: Engine;
  readonly #environment: Environment;
  readonly #queues: HintQueues;

  private constructor(engine: Engine, feed: string, queues: HintQueues, settings: Record<string, string>) {
    this.#engine = engine;
    this.#queues = queues;
    this.feed = feed;
    this.#environment = { ...engine.environment, ...settings };
    this.settings = readSettings(this.#environment);
    this.person = new Person(engine, feed, this.settings, this.clock);
  }

  /** Runs `act` on a stage with a new feed. Sessions have rows of their own unless a setting says otherwise. */
  static run<T>(
    engine: Engine,
    act: (stage: Stage) => Promise<T>,
    settings: Record<string, string> = {},
  ): Promise<T> {
    const queues = new HintQueues();
    return engine.lend(answerHints(queues), async (feed) => {
      const stage = new Stage(engine, feed, queues, {
        RELAY_SEGMENT_SIZE: "4",
        RELAY_LINGER_SECONDS: "0",
        RELAY_CURSOR_GROUPS: "0",
        ...settings,
      });
      await new HeadStore(engine.clients.documents, engine.tableNames.queue).createFeed(
        feed,
        stage.settings.segmentSize,
      );
      return act(stage);
    });
  }

  /** Injects faults into the calls of `act`. */
  withFaults<T>(faultFor: (call: AwsCall) => Fault | undefined, act: () => Promise<T>): Promise<T> {
    const hostile = hostileAws(faultFor);
    const answer = answerHints(this.#queues);
    return this.#engine.during((call, perform) => hostile(call, () => answer(call, perform)), act);
  }

  /** While `act` runs, runs `happens` just before each call that `isMeant`. */
  before(
    isMeant: (call: AwsCall) => boolean,
    happens: () => Promise<unknown>,
    act: () => Promise<void>,
  ): Promise<void> {
    const answer = answerHints(this.#queues);
    return this.#engine.during(async (call, perform) => {
      if (isMeant(call)) await happens();
      return answer(call, perform);
    }, act);
  }

  readonly clock: Clock = {
    nowEpochMillis: () => this.nowEpochMillis,
    sleep: async (millis) => {
      this.nowEpochMillis += millis;
    },
  };

  get #options() {
    const log: Log = {
      info: () => {},
      warn: (message, facts) => void this.logged.push({ level: "warn", message, facts }),
      error: (message, facts) => void this.logged.push({ level: "error", message, facts }),
    };
    return { clients: this.#engine.clients, clock: this.clock, log, metrics: silentMetrics };
  }

  /** Appends `count` events of a producer, beginning at `position`, in a new process. Returns the response's status. */
  async append(position: number, count: number, producer = "bridge"): Promise<number> {
    const ingest = createIngest(this.#environment, this.#options);
    const events = Array.from({ length: count }, (_, index) => ({
      type: "A",
      producer,
      number: position + index,
    }));
    const request = appendRequest(this.feed, events);
    const headers = { ...request.headers, "relay-producer": producer, "relay-position": String(position) };
    const answer = (await ingest({ ...request, headers })) as APIGatewayProxyStructuredResultV2;
    if (answer.statusCode === 202) {
      const { first } = JSON.parse(String(answer.body)) as { first: number };
      events.forEach((event, index) => {
        this.accepted.push({ event: eventText(event), sequence: first + index });
      });
    }
    return answer.statusCode ?? 0;
  }

  /** Gives a wake to a new deliver process. Returns whether it succeeded. */
  deliver(session = "s0"): Promise<boolean> {
    return this.#wake({ feed: this.feed, session });
  }

  async #wake(hint: WakeHint): Promise<boolean> {
    const deliver = createDeliver(this.#environment, {
      ...this.#options,
      webhook: {
        post: async ({ id, body }) => {
          const parsed = JSON.parse(jsonOf(body));
          this.posts.push({ delivery: deliveryOf(id, parsed), epoch: parsed.epoch });
          await this.whilePosting();
          return { kind: "accepted", status: 204, durationMillis: 1 };
        },
      },
    });
    const message = { id: "wake", body: JSON.stringify(hint), visibleAtEpochMillis: 0 };
    const { batchItemFailures }: SQSBatchResponse = await deliver(sqsEvent([message]));
    return batchItemFailures.length === 0;
  }

  /** Gives a group's wake to a new deliver process. */
  deliverGroup(group: string): Promise<boolean> {
    return this.#wake({ feed: this.feed, group });
  }

  /** Gives a hint to a new notify process. */
  async notify(): Promise<void> {
    const notify = createNotify(this.#environment, this.#options);
    const body = JSON.stringify({ feed: this.feed, first: 1, next: 2 });
    await notify(sqsEvent([{ id: "notify", body, visibleAtEpochMillis: 0 }]));
  }

  sweep(settings: Record<string, string> = {}) {
    return createSweep({ ...this.#environment, ...settings }, this.#options)({});
  }

  /** A person creates a session where the setting of groups is off. */
  async createSingle(from: "head" | "tail"): Promise<void> {
    await this.anotherPerson("single", { cursorGroups: false }).createSession(from);
  }

  /** A person whose requests are handled by another process of the api. */
  anotherPerson(prefix: string, settings: Partial<Settings> = {}): Person {
    return new Person(this.#engine, this.feed, { ...this.settings, ...settings }, this.clock, prefix);
  }

  async groups(): Promise<CursorGroup[]> {
    return (await this.stores.groups.listGroups(this.feed)).groups.map(({ group }) => group);
  }

  get stores(): SessionStores {
    const { environment, clients } = this.#engine;
    return openSessions(environment, clients, this.clock);
  }

  cursors() {
    const { environment, clients } = this.#engine;
    return openCursors(environment, clients, this.clock).cursors.listCursors(this.feed);
  }

  rows(): Promise<FeedRows> {
    return readFeedRows(this.#engine.clients.documents, this.#engine.tableNames, this.feed);
  }

  /** @param sessions the sessions that began at number 1 and must have received everything */
  async expectInvariants(sessions: readonly string[]): Promise<void> {
    expectInvariants(await this.rows(), {
      accepted: this.accepted,
      deliveries: this.posts.map(({ delivery }) => delivery),
      sessions: sessions.map((session) => ({ session, start: 1, mustReachTail: true })),
    });
  }
}

function answerHints(queues: HintQueues): Intercept {
  return async (call, perform) => (call.service === "sqs" ? answerSend(queues, call, 0) : perform());
}
