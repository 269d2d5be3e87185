import { BatchWriteCommand } from "@aws-sdk/lib-dynamodb";
import { createHandler as createIngest } from "../../functions/ingest/handler.ts";
import { type Relay, startRelay } from "../../local/relay.ts";
import { type AwsClients, createClients, destroyClients } from "../../shared/aws/clients.ts";
import { keys, REFERENCE_SHARDS, shardOf } from "../../shared/aws/keys.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { queues, secrets, tables } from "../../shared/aws/resources.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { newCursor } from "../../shared/sessions/cursor.ts";
import type { Session } from "../../shared/sessions/session.ts";
import { interceptCalls } from "../../test/support/awsCalls.ts";
import { conflictingTransactions } from "../../test/support/conflictingTransactions.ts";
import { appendRequest } from "../../test/support/ingestOnItsOwn.ts";

const FEED = "contention";
/** As on AWS, where transactions take time and conflict with each other. */
const TRANSACTION_MILLIS = 15;
const QUIET_MILLIS = 1_000;
const DYNAMODB_BATCH = 25;

export interface Counted {
  readonly size: number;
  readonly seconds: number;
  /** Calls that reach the services, by command. */
  readonly calls: ReadonlyMap<string, number>;
  readonly conflicts: ReadonlyMap<string, number>;
}

/** A relay in this process whose transactions conflict with each other, with endpoints that accept at once. */
export class RelayWithConflicts implements AsyncDisposable {
  readonly #relay: Relay;
  readonly #observer: AwsClients;
  readonly #calls = new Map<string, number>();
  readonly #conflicts: ReadonlyMap<string, number>;
  #calledAtMillis = 0;
  readonly #posts: { count: number };

  private constructor(relay: Relay, posts: { count: number }) {
    this.#relay = relay;
    this.#posts = posts;
    this.#observer = createClients(relay.connection);
    const { intercept, conflicts } = conflictingTransactions(TRANSACTION_MILLIS);
    this.#conflicts = conflicts;
    interceptCalls(relay.clients, intercept);
    interceptCalls(relay.clients, (call, perform) => {
      this.#calls.set(call.command, (this.#calls.get(call.command) ?? 0) + 1);
      if (call.command !== "ReceiveMessage") this.#calledAtMillis = performance.now();
      return perform();
    });
  }

  static async start(segmentSize: number, sweepSeconds = 5): Promise<RelayWithConflicts> {
    const posts = { count: 0 };
    const relay = await startRelay({
      environment: { RELAY_SEGMENT_SIZE: String(segmentSize), RELAY_SWEEP_SECONDS: String(sweepSeconds) },
      port: 0,
      webhook: {
        post: async () => {
          posts.count += 1;
          return { kind: "accepted", status: 204, durationMillis: 1 };
        },
      },
    });
    return new RelayWithConflicts(relay, posts);
  }

  /** Requests to endpoints. */
  get posts(): number {
    return this.#posts.count;
  }

  /** A separate ingest function, which knows nothing of the others' appends. */
  newProducer(): (count: number) => Promise<void> {
    const { tableNames, clients, apiKey } = this.#relay;
    const ingest = createIngest(
      {
        [tables.queue.variable]: tableNames.queue,
        [tables.keys.variable]: tableNames.keys,
        [queues.notify.variable]: this.#relay.queues.notify.url,
        [secrets.apiKey.plainVariable]: apiKey,
        RELAY_SEGMENT_SIZE: String(this.#relay.settings.segmentSize),
      },
      { clients, metrics: silentMetrics },
    );
    return async (count) => {
      const events = Array.from({ length: count }, () => ({ type: "ChannelCreated" }));
      const answer = await ingest(appendRequest(FEED, events));
      if (!("statusCode" in answer) || answer.statusCode !== 202)
        throw new Error(`an append failed: ${JSON.stringify(answer)}`);
    };
  }

  /** Sessions parked behind the feed's first message, written as they would stand on a quiet feed. */
  async addParkedSessions(count: number): Promise<void> {
    const { tableNames, settings } = this.#relay;
    const nowEpochMillis = Date.now();
    const cursors = Array.from({ length: count }, (_, index) =>
      newCursor({
        feed: FEED,
        session: `ses_${index}`,
        next: 2,
        segmentSize: settings.segmentSize,
        interest: undefined,
        nowEpochMillis,
      }),
    );
    const sessions = cursors.map(
      ({ feed, session }): Session => ({
        session,
        feed,
        kind: "webhook",
        url: "https://example.com/",
        format: "stasis",
        maxBatch: 100,
        secrets: [],
        createdAtEpochMillis: nowEpochMillis,
      }),
    );
    const shards = Map.groupBy(cursors, ({ session }) => shardOf(session, REFERENCE_SHARDS));
    await this.#put(
      tableNames.queue,
      [...shards].map(([shard, own]) => ({ ...keys.reference(FEED, 0, shard), count: own.length })),
    );
    await this.#put(
      tableNames.sessions,
      sessions.map((session) => ({ ...keys.session(session.session), ...session })),
    );
    await this.#put(
      tableNames.cursors,
      cursors.map((cursor) => ({ ...keys.cursor(FEED, cursor.session), ...cursor })),
    );
  }

  /** How many sessions are counted in a segment. */
  async countedIn(segment: number): Promise<number> {
    const references = new ReferenceStore(
      this.#observer.documents,
      this.#relay.tableNames.queue,
      systemClock,
    );
    return (await references.counts(FEED)).get(segment) ?? 0;
  }

  /** Whether there were only polls for a while. */
  isQuiet(): boolean {
    return performance.now() - this.#calledAtMillis > QUIET_MILLIS;
  }

  /** Counts the calls to AWS that `work` causes. */
  async count(size: number, work: () => Promise<void>): Promise<Counted> {
    const before = new Map(this.#calls);
    const conflictsBefore = new Map(this.#conflicts);
    const begun = performance.now();
    await work();
    return {
      size,
      seconds: (performance.now() - begun) / 1000,
      calls: difference(this.#calls, before),
      conflicts: difference(this.#conflicts, conflictsBefore),
    };
  }

  async #put(table: string, items: readonly Record<string, unknown>[]): Promise<void> {
    for (let from = 0; from < items.length; from += DYNAMODB_BATCH) {
      const requests = items.slice(from, from + DYNAMODB_BATCH).map((Item) => ({ PutRequest: { Item } }));
      await this.#observer.documents.send(new BatchWriteCommand({ RequestItems: { [table]: requests } }));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    destroyClients(this.#observer);
    await this.#relay.stop();
  }
}

function difference(
  after: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map(
    [...after]
      .map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
}
