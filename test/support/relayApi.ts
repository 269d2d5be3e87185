import { type AmiSession, RelayClient, type WebhookSession } from "../../client/index.ts";

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads the relay's response and asserts on it
  readonly json: any;
}

export interface Call {
  readonly body?: unknown;
  /** Sent unchanged, instead of `body`. */
  readonly raw?: string | Uint8Array;
  readonly headers?: Record<string, string>;
  readonly key?: string | null;
}

/** A running relay, called through the client, or by hand for requests that the client would never send. */
export class RelayApi extends RelayClient {
  readonly apiKey: string;

  constructor(url: string, apiKey: string) {
    super({ url, apiKey });
    this.apiKey = apiKey;
  }

  /** Reads a webhook session. */
  override async session(id: string): Promise<WebhookSession> {
    const session = await super.session(id);
    if (session.kind !== "webhook") throw new Error(`${id} is a session of kind ${session.kind}`);
    return session;
  }

  /** Reads an AMI user. */
  async amiUser(id: string): Promise<AmiSession> {
    const session = await super.session(id);
    if (session.kind !== "ami") throw new Error(`${id} is a session of kind ${session.kind}`);
    return session;
  }

  /** The same relay, called with another key. */
  as(key: string): RelayApi {
    return new RelayApi(this.url, key);
  }

  async call(
    method: string,
    path: string,
    { body, raw, headers = {}, key = this.apiKey }: Call = {},
  ): Promise<Answered> {
    const answer = await fetch(`${this.url}${path}`, {
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
      // API gateways may set a content type on a response without a body.
      json:
        text !== "" && answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : undefined,
    };
  }

  /** Calls and requires the status. For the steps of a test that are not its subject. */
  async expectCall(status: number, method: string, path: string, call?: Call): Promise<Answered> {
    const answered = await this.call(method, path, call);
    if (answered.status !== status)
      throw new Error(`${method} ${path}: ${answered.status} instead of ${status}: ${answered.text}`);
    return answered;
  }
}
