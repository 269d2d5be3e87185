import { BatchWriteCommand } from "@aws-sdk/lib-dynamodb";
import { createHandler as createIngest } from "../../functions/ingest/handler.ts";
import { type Relay, startRelay } from "../../local/relay.ts";
import { type AwsClients, createClients, destroyClients } from "../../shared/aws/clients.ts";
import { groupPut } from "../../shared/aws/groupItems.ts";
import { keys, REFERENCE_SHARDS, shardOf } from "../../shared/aws/keys.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { queues, secrets, tables } from "../../shared/aws/resources.ts";
import { type CursorGroup, GROUP_SESSIONS, newGroup } from "../../shared/groups/group.ts";
import { newGroupCursor } from "../../shared/groups/groupCursor.ts";
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

/** How the cursors of sessions are stored. */
export type Rows = "single rows" | "groups";

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
  readonly #rows: Rows;

  private constructor(relay: Relay, rows: Rows, posts: { count: number }) {
    this.#relay = relay;
    this.#rows = rows;
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

  static async start(segmentSize: number, rows: Rows, sweepSeconds = 5): Promise<RelayWithConflicts> {
    const posts = { count: 0 };
    const relay = await startRelay({
      environment: {
        RELAY_SEGMENT_SIZE: String(segmentSize),
        RELAY_SWEEP_SECONDS: String(sweepSeconds),
        RELAY_CURSOR_GROUPS: rows === "groups" ? "1" : "0",
      },
      port: 0,
      webhook: {
        post: async () => {
          posts.count += 1;
          return { kind: "accepted", status: 204, durationMillis: 1 };
        },
      },
    });
    return new RelayWithConflicts(relay, rows, posts);
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
    const { tableNames } = this.#relay;
    const ids = Array.from({ length: count }, (_, index) => `ses_${index}`);
    const { owners, rows, groupOf } = this.#rows === "groups" ? this.#groupsOf(ids) : this.#singlesOf(ids);
    const shards = Map.groupBy(owners, (owner) => shardOf(owner, REFERENCE_SHARDS));
    await this.#put(
      tableNames.queue,
      [...shards].map(([shard, own]) => ({ ...keys.reference(FEED, 0, shard), count: own.length })),
    );
    await this.#put(
      tableNames.sessions,
      ids.map((id) => ({ ...keys.session(id), ...sessionOf(id, groupOf(id)) })),
    );
    await this.#put(tableNames.cursors, rows);
  }

  #singlesOf(ids: readonly string[]): ParkedRows {
    const { segmentSize } = this.#relay.settings;
    const born = { feed: FEED, next: 2, segmentSize, interest: undefined, nowEpochMillis: Date.now() };
    const rows = ids.map((session) => ({
      ...keys.cursor(FEED, session),
      ...newCursor({ ...born, session }),
    }));
    return { owners: ids, rows, groupOf: () => undefined };
  }

  #groupsOf(ids: readonly string[]): ParkedRows {
    const { segmentSize } = this.#relay.settings;
    const cursor = newGroupCursor(2);
    const groupOf = (id: string) => `grp_${Math.floor(Number(id.slice("ses_".length)) / GROUP_SESSIONS)}`;
    const groups = [...Map.groupBy(ids, groupOf)].map(([group, members]): CursorGroup => {
      const [session = ""] = members;
      const born = { feed: FEED, group, segmentSize, session, cursor, nowEpochMillis: Date.now() };
      return { ...newGroup(born), cursors: Object.fromEntries(members.map((id) => [id, cursor])) };
    });
    const { cursors: table } = this.#relay.tableNames;
    return {
      owners: groups.map(({ group }) => group),
      rows: groups.map((group) => groupPut(table, group).Item),
      groupOf,
    };
  }

  /** How many rows are counted in a segment: sessions, or groups. */
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

/** The rows of parked sessions. */
interface ParkedRows {
  /** Those that are counted in a segment. */
  readonly owners: readonly string[];
  readonly rows: readonly Record<string, unknown>[];
  groupOf(session: string): string | undefined;
}

function sessionOf(session: string, group: string | undefined): Session {
  return {
    session,
    feed: FEED,
    kind: "webhook",
    group,
    url: "https://example.com/",
    format: "stasis",
    maxBatch: 100,
    secrets: [],
    createdAtEpochMillis: Date.now(),
  };
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
