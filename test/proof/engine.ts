import { AsyncLocalStorage } from "node:async_hooks";
import { DeleteCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { connectionVariables } from "../../local/connection.ts";
import { startEngines } from "../../local/engines/start.ts";
import { provision } from "../../local/provision.ts";
import { type AwsClients, createClients, destroyClients } from "../../shared/aws/clients.ts";
import { keys } from "../../shared/aws/keys.ts";
import { queues, secrets, tables } from "../../shared/aws/resources.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import type { Environment } from "../../shared/runtime/settings.ts";
import { type Intercept, interceptCalls, retryAtOnce } from "../support/awsCalls.ts";
import { QUEUE_URLS } from "./sqsHints.ts";

/** The process of the current run that makes a call. */
export const actorOf = new AsyncLocalStorage<string>();

/**
 * One embedded DynamoDB and one pair of real SDK clients for many runs, one run at a time. Each run has its own feed, and
 * its intercept sees every call.
 */
export class Engine implements AsyncDisposable {
  readonly clients: AwsClients;
  readonly tableNames = {
    queue: tables.queue.name,
    cursors: tables.cursors.name,
    sessions: tables.sessions.name,
    keys: tables.keys.name,
    attempts: tables.attempts.name,
  };
  readonly environment: Environment;
  readonly #engines: AsyncDisposableStack;
  #intercept: Intercept | undefined;
  #runs = 0;

  private constructor(engines: AsyncDisposableStack, clients: AwsClients) {
    this.#engines = engines;
    this.clients = clients;
    this.environment = {
      [tables.queue.variable]: this.tableNames.queue,
      [tables.cursors.variable]: this.tableNames.cursors,
      [tables.sessions.variable]: this.tableNames.sessions,
      [tables.keys.variable]: this.tableNames.keys,
      [tables.attempts.variable]: this.tableNames.attempts,
      [queues.notify.variable]: QUEUE_URLS.notify,
      [queues.wake.variable]: QUEUE_URLS.wake,
      [queues.slow.variable]: QUEUE_URLS.slow,
      [secrets.apiKey.plainVariable]: "local",
    };
    retryAtOnce(clients);
    interceptCalls(clients, (call, perform) => (this.#intercept ?? ((_call, go) => go()))(call, perform));
  }

  static async start(): Promise<Engine> {
    const engines = new AsyncDisposableStack();
    const { endpoints, credentials } = await startEngines(engines, {}, undefined);
    const clients = createClients(connectionVariables({}, endpoints, credentials));
    await provision(clients, silentLog);
    return new Engine(engines, clients);
  }

  /** Serves one run. Afterwards the feed's head is deleted, so that the next run's sweep does not visit the feed,
   * and so are the sessions. */
  async lend<T>(intercept: Intercept, run: (feed: string) => Promise<T>): Promise<T> {
    this.#runs += 1;
    const feed = `feed-${this.#runs}`;
    this.#intercept = intercept;
    try {
      return await run(feed);
    } finally {
      this.#intercept = undefined;
      await this.clients.documents.send(
        new DeleteCommand({ TableName: this.tableNames.queue, Key: keys.head(feed) }),
      );
      await this.#deleteSessions();
    }
  }

  /** Sessions have the same ids in every run, and none can be created twice. */
  async #deleteSessions(): Promise<void> {
    const { documents } = this.clients;
    const TableName = this.tableNames.sessions;
    const { Items = [] } = await documents.send(new ScanCommand({ TableName }));
    for (const { pk } of Items) await documents.send(new DeleteCommand({ TableName, Key: { pk } }));
  }

  /** Replaces the intercept while `act` runs. */
  async during<T>(intercept: Intercept, act: () => Promise<T>): Promise<T> {
    const before = this.#intercept;
    this.#intercept = intercept;
    try {
      return await act();
    } finally {
      this.#intercept = before;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    destroyClients(this.clients);
    await this.#engines.disposeAsync();
  }
}
