import { type Relay, type RelayOptions, startRelay } from "../../local/relay.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Environment } from "../../shared/runtime/settings.ts";

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the relay answers and asserts on it
  readonly json: any;
}

export interface Call {
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly raw?: string | Uint8Array;
  readonly headers?: Record<string, string>;
  readonly key?: string | null;
}

/** What a log was told, for tests that look at it. */
export interface LogEntry {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly facts: Record<string, unknown>;
}

/** The whole relay in this process, with engines of its own, called over HTTP as a user does. */
export class TestRelay implements AsyncDisposable {
  readonly relay: Relay;
  readonly logged: LogEntry[];

  private constructor(relay: Relay, logged: LogEntry[]) {
    this.relay = relay;
    this.logged = logged;
  }

  static async start(
    environment: Environment = {},
    dataDirectory?: string,
    parts: Pick<RelayOptions, "webhook" | "clientsOf"> = {},
  ): Promise<TestRelay> {
    const logged: LogEntry[] = [];
    const entry =
      (level: LogEntry["level"]) =>
      (message: string, facts: Record<string, unknown> = {}) =>
        void logged.push({ level, message, facts });
    const log: Log = { info: entry("info"), warn: entry("warn"), error: entry("error") };
    const relay = await startRelay({
      environment,
      port: 0,
      log,
      ...(dataDirectory === undefined ? {} : { dataDirectory }),
      ...parts,
    });
    return new TestRelay(relay, logged);
  }

  async call(
    method: string,
    path: string,
    { body, raw, headers = {}, key = "local" }: Call = {},
  ): Promise<Answered> {
    const answer = await fetch(`${this.relay.url}${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(raw === undefined && body === undefined ? {} : { body: (raw as string) ?? JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      json: answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : undefined,
    };
  }

  /** Calls and demands the status; for the steps of a test that are not its subject. */
  async expectCall(status: number, method: string, path: string, call?: Call): Promise<Answered> {
    const answered = await this.call(method, path, call);
    if (answered.status !== status)
      throw new Error(`${method} ${path}: ${answered.status} instead of ${status}: ${answered.text}`);
    return answered;
  }

  async append(
    feed: string,
    events: readonly unknown[],
    headers?: Record<string, string>,
  ): Promise<Answered["json"]> {
    const call = headers === undefined ? { body: events } : { body: events, headers };
    return (await this.expectCall(202, "POST", `/v1/feeds/${feed}/events`, call)).json;
  }

  async createSession(session: Record<string, unknown>): Promise<Answered["json"]> {
    return (await this.expectCall(201, "POST", "/v1/sessions", { body: session })).json;
  }

  async session(id: string): Promise<Answered["json"]> {
    return (await this.expectCall(200, "GET", `/v1/sessions/${id}`)).json;
  }

  async feed(feed: string): Promise<Answered["json"]> {
    return (await this.expectCall(200, "GET", `/v1/feeds/${feed}`)).json;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay.stop();
  }
}

/** Small distinct events: `type` cycles through what is given. */
export function someEvents(count: number, types: readonly string[] = ["ChannelCreated"], from = 1): object[] {
  return Array.from({ length: count }, (_, index) => ({
    type: types[index % types.length],
    timestamp: "2026-11-23T08:00:24.396+0000",
    number: from + index,
  }));
}
