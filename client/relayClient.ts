import packageJson from "../package.json" with { type: "json" };
import { errorOfAnswer, RelayCallError } from "./relayCallError.ts";
import type {
  AppendResult,
  Attempt,
  AttemptList,
  ChangedSession,
  CreatedAmiSession,
  CreatedKey,
  CreatedWebhookSession,
  Explanation,
  Feed,
  FeedChange,
  FeedList,
  FeedSummary,
  Key,
  KeyList,
  MessageFormat,
  MessageList,
  MessagesQuery,
  NewAmiSession,
  NewKey,
  NewSession,
  ProducerList,
  Session,
  SessionChange,
  SessionList,
} from "./types.ts";

/** The part of `fetch` that the client needs. */
export type Fetch = (
  url: string,
  request: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string | Uint8Array<ArrayBuffer>;
    readonly signal: AbortSignal;
  },
) => Promise<Pick<Response, "ok" | "status" | "headers" | "text">>;

export interface RelayClientOptions {
  /** For example `https://relay.example.com`. */
  readonly url: string;
  /** The management key, or one from `createKey`. */
  readonly apiKey: string;
  /** The time limit of one call, response included; 30 s if absent. */
  readonly timeoutMillis?: number;
  /** Replaces the global `fetch`. */
  readonly fetch?: Fetch;
  /** The program, for the relay's log: `name/version`. A browser always says its own name. */
  readonly userAgent?: string;
}

/** An event as an object or as its JSON text. Text reaches subscribers byte for byte. */
export type Event = object | string;

/** Events as the bytes of a request body, for callers that must not change them, or that compress them. */
export interface EventBody {
  /** `stasis`: one event per line. `ami`: AMI text in any charset. */
  readonly format: MessageFormat;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Set when `bytes` are compressed. */
  readonly encoding?: "gzip";
}

/** The producer's name and the first event's position. With it, the same events can be resent without duplicates. */
export interface ProducerPosition {
  readonly producer: string;
  readonly position: number;
}

/**
 * The HTTP interface, one method per call. A call that fails throws `RelayCallError`.
 *
 *     const client = new RelayClient({ url: "http://127.0.0.1:8080", apiKey: "local" });
 *     const { id, secret } = await client.createSession({ feed: "pbx-1", url: "https://example.com/hook" });
 */
export class RelayClient {
  readonly url: string;
  readonly #apiKey: string;
  readonly #timeoutMillis: number;
  readonly #fetch: Fetch;
  readonly #userAgent: string | undefined;

  constructor(options: RelayClientOptions) {
    this.url = options.url.replace(/\/+$/, "");
    this.#apiKey = options.apiKey;
    this.#timeoutMillis = options.timeoutMillis ?? 30_000;
    // A browser's fetch must not be called as a method of another object.
    this.#fetch = options.fetch ?? ((url, request) => fetch(url, request));
    this.#userAgent = isNode()
      ? (options.userAgent ?? `stasis-relay-client/${packageJson.version}`)
      : undefined;
  }

  /** Subscribes a webhook, or adds a user of the AMI gateway. Keep the returned secret: it is not shown again. */
  createSession<New extends NewSession>(
    session: New,
    { idempotencyKey }: { readonly idempotencyKey?: string } = {},
  ): Promise<New extends NewAmiSession ? CreatedAmiSession : CreatedWebhookSession> {
    const { headers, body } = json(session);
    const key = idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey };
    return this.#call("POST", "/v1/sessions", { headers: { ...headers, ...key }, body });
  }

  /** Reads one session: its settings, its lag and its last error. */
  session(id: string): Promise<Session> {
    return this.#call("GET", `/v1/sessions/${encodeURIComponent(id)}`);
  }

  /** Changes, pauses, resumes or moves a session, or rotates its secret. */
  changeSession(id: string, change: SessionChange): Promise<ChangedSession> {
    return this.#call("PATCH", `/v1/sessions/${encodeURIComponent(id)}`, json(change));
  }

  /** Reads what the session's endpoint answered, the newest first. */
  attempts(id: string): Promise<AttemptList> {
    return this.#call("GET", `/v1/sessions/${encodeURIComponent(id)}/attempts`);
  }

  /** Sends a test message to the session's endpoint, and resolves to what it answered. */
  testSession(id: string): Promise<Attempt> {
    return this.#call("POST", `/v1/sessions/${encodeURIComponent(id)}/test`);
  }

  /** Says why a message did or did not reach the session. */
  explain(id: string, sequence: number): Promise<Explanation> {
    return this.#call("GET", `/v1/sessions/${encodeURIComponent(id)}/explain/${sequence}`);
  }

  /** Ends a subscription. */
  async deleteSession(id: string): Promise<void> {
    await this.#call("DELETE", `/v1/sessions/${encodeURIComponent(id)}`);
  }

  /** Yields all sessions. Fetches the next page only when the caller reads that far. */
  async *listSessions(pageSize = 100): AsyncGenerator<Session, void, undefined> {
    for await (const page of this.#pages<SessionList>("/v1/sessions", pageSize)) yield* page.sessions;
  }

  /** Yields all feeds that the key covers, by name. */
  async *listFeeds(pageSize = 100): AsyncGenerator<FeedSummary, void, undefined> {
    for await (const page of this.#pages<FeedList>("/v1/feeds", pageSize)) yield* page.feeds;
  }

  /** Reads a feed's producers, the one seen last first. */
  producers(feed: string): Promise<ProducerList> {
    return this.#call("GET", `/v1/feeds/${encodeURIComponent(feed)}/producers`);
  }

  /** Makes a key. Keep the returned `key`: it is not shown again. */
  createKey(key: NewKey): Promise<CreatedKey> {
    return this.#call("POST", "/v1/keys", json(key));
  }

  /** Yields all keys, without their texts. */
  async *listKeys(pageSize = 100): AsyncGenerator<Key, void, undefined> {
    for await (const page of this.#pages<KeyList>("/v1/keys", pageSize)) yield* page.keys;
  }

  /** Revokes a key. It stops working within 30 seconds. */
  async deleteKey(id: string): Promise<void> {
    await this.#call("DELETE", `/v1/keys/${encodeURIComponent(id)}`);
  }

  /** Reads a feed's first and last numbers and its segments. */
  feed(feed: string): Promise<Feed> {
    return this.#call("GET", `/v1/feeds/${encodeURIComponent(feed)}`);
  }

  /** Changes how the feed's future events are converted to AMI. */
  changeFeed(feed: string, change: FeedChange): Promise<Feed> {
    return this.#call("PATCH", `/v1/feeds/${encodeURIComponent(feed)}`, json(change));
  }

  /**
   * Reads messages without a session.
   * @param options.signal ends the call when it aborts, so that nobody has to sit out a long poll
   */
  messages(
    feed: string,
    { from, limit, format, wait }: MessagesQuery = {},
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<MessageList> {
    const begin = typeof from === "object" ? from.time : from;
    const path = `/v1/feeds/${encodeURIComponent(feed)}/messages${query({ from: begin, limit, format, wait })}`;
    return this.#call("GET", path, {}, signal);
  }

  /** Appends events. Resolves once they are durable. It does not retry: `Producer` does. */
  append(feed: string, events: readonly Event[], from?: ProducerPosition): Promise<AppendResult> {
    const lines = events.map(eventLine).join("\n");
    return this.#append(feed, { "content-type": CONTENT_TYPES.stasis }, lines, from);
  }

  /** Appends AMI events as Asterisk sent them. */
  appendAmi(feed: string, text: string, from?: ProducerPosition): Promise<AppendResult> {
    return this.#append(feed, { "content-type": CONTENT_TYPES.ami }, text, from);
  }

  /** Appends the events of a prepared body. */
  appendBody(
    feed: string,
    { format, bytes, encoding }: EventBody,
    from?: ProducerPosition,
  ): Promise<AppendResult> {
    const headers = {
      "content-type": CONTENT_TYPES[format],
      ...(encoding && { "content-encoding": encoding }),
    };
    return this.#append(feed, headers, bytes, from);
  }

  /** Resolves when the relay and its tables respond. Otherwise the error says what does not. */
  async health(): Promise<void> {
    await this.#call("GET", "/v1/health");
  }

  /** Whether the relay and its tables respond. */
  isHealthy(): Promise<boolean> {
    return this.health().then(
      () => true,
      () => false,
    );
  }

  #append(
    feed: string,
    contentHeaders: Readonly<Record<string, string>>,
    body: string | Uint8Array<ArrayBuffer>,
    from: ProducerPosition | undefined,
  ): Promise<AppendResult> {
    const headers = {
      ...contentHeaders,
      ...(from && { "relay-producer": from.producer, "relay-position": String(from.position) }),
    };
    return this.#call("POST", `/v1/feeds/${encodeURIComponent(feed)}/events`, { headers, body });
  }

  async *#pages<Page extends { readonly after?: string }>(
    path: string,
    limit: number,
  ): AsyncGenerator<Page, void, undefined> {
    let after: string | undefined;
    do {
      const page: Page = await this.#call("GET", `${path}${query({ limit, after })}`);
      yield page;
      after = page.after;
    } while (after !== undefined);
  }

  async #call<T>(method: string, path: string, content: Content = {}, stop?: AbortSignal): Promise<T> {
    const call = `${method} ${path}`;
    const { answer, text } = await this.#answerOf(call, method, path, content, stop);
    if (!answer.ok) throw errorOfAnswer(call, answer, text, Date.now());
    try {
      return (text === "" ? undefined : JSON.parse(text)) as T;
    } catch (cause) {
      const detail = "the response is not JSON, so it is not from the relay";
      throw new RelayCallError(
        call,
        { status: answer.status, code: "answer.invalid", detail },
        { retryable: true, cause },
      );
    }
  }

  async #answerOf(call: string, method: string, path: string, content: Content, stop?: AbortSignal) {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.#timeoutMillis);
    try {
      const answer = await this.#fetch(this.url + path, {
        method,
        ...content,
        headers: {
          ...content.headers,
          ...(this.#userAgent !== undefined && { "user-agent": this.#userAgent }),
          authorization: `Bearer ${this.#apiKey}`,
        },
        signal: stop === undefined ? deadline.signal : AbortSignal.any([deadline.signal, stop]),
      });
      return { answer, text: await answer.text() };
    } catch (cause) {
      if (stop?.aborted)
        throw new RelayCallError(
          call,
          { code: "call.aborted", detail: "the caller has ended it" },
          { retryable: false, cause },
        );
      if (deadline.signal.aborted)
        throw new RelayCallError(
          call,
          { code: "call.timeout", detail: `no response within ${this.#timeoutMillis} ms` },
          { cause },
        );
      const detail = cause instanceof Error ? causeOf(cause) : String(cause);
      throw new RelayCallError(call, { code: "call.failed", detail }, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

const CONTENT_TYPES: Readonly<Record<MessageFormat, string>> = {
  stasis: "application/x-ndjson",
  ami: "text/x-ami",
};

interface Content {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

function json(value: object): Required<Content> {
  return { headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

function query(parts: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parts)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? "" : `?${query}`;
}

/** An event as one line. A line break would split the event in two and shift all later positions. */
export function eventLine(event: Event): string {
  const line = typeof event === "string" ? event : JSON.stringify(event);
  if (line.trim() === "" || line.includes("\n"))
    throw new RangeError(`an event must be one line of JSON, not ${JSON.stringify(line.slice(0, 100))}`);
  return line;
}

/** In a browser, a header of its own makes the browser ask the relay first (CORS), which answers no such question. */
function isNode(): boolean {
  return "process" in globalThis && "versions" in process && process.versions.node !== undefined;
}

/** Node's own message is only "fetch failed"; the reason is in the cause. */
function causeOf(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
