import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type ReceivedWebhook, verifyWebhook, WebhookRefusedError } from "./receiver.ts";

/**
 * Far above the largest request: 512 KiB of messages, twice that in AMI (text and fields), plus escaping. The relay would
 * retry a request that is refused for its size for days.
 */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** A request as received, not verified. */
export interface RawWebhook {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface NodeReceiverOptions {
  /** A free port if absent. */
  readonly port?: number;
  /** 127.0.0.1 if absent. */
  readonly host?: string;
  readonly maxBodyBytes?: number;
  /** Returns the response to a request. If it throws, the response is 500. */
  answer(webhook: RawWebhook): Answer | Promise<Answer>;
  /** Called with the errors that `answer` throws. Prints them if absent. */
  onError?(error: unknown): void;
}

/**
 * An HTTP server for webhooks. It speaks plain HTTP: put TLS in front of it, or use `verifyWebhook` in your own server.
 *
 *     await NodeReceiver.start({ port: 9000, answer: verified(secret, ({ request }) => store(request)) });
 */
export class NodeReceiver implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(options: NodeReceiverOptions): Promise<NodeReceiver> {
    const { port = 0, host = "127.0.0.1" } = options;
    const server = createServer(async (incoming, outgoing) => {
      const { status, headers } = await answerOf(incoming, options);
      if (outgoing.destroyed) return;
      // With `writeHead` the empty body would be chunked, which cut a session's messages per second to a third.
      outgoing.statusCode = status;
      outgoing.setHeaders(new Map(Object.entries(headers ?? {}))).end();
    });
    // Longer than the pauses of a steady feed, so that the relay can reuse its connection.
    server.keepAliveTimeout = 60_000;
    server.listen(port, host);
    await once(server, "listening");
    return new NodeReceiver(server);
  }

  /** The receiver's URL on this machine. `host` may be any name below `localhost`. */
  url(path: string, host = "127.0.0.1"): string {
    return `http://${host}:${this.port}${path}`;
  }

  /** Closes all connections, including those with unanswered requests. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/**
 * Verifies each request and answers 204 once `handle` has stored it. Requests not signed with the secret get 401. If
 * `handle` throws, the relay gets 500 and retries the same request. Requests are handled one at a time, in order of
 * arrival: two can arrive at once while the session is taken over. Create one `verified` per session.
 */
export function verified(
  secret: string,
  handle: (webhook: ReceivedWebhook) => void | Promise<void>,
): NodeReceiverOptions["answer"] {
  let previous: Promise<void> = Promise.resolve();
  return async ({ headers, body }) => {
    try {
      const webhook = verifyWebhook(secret, headers, body);
      const handled = previous.then(() => handle(webhook));
      previous = handled.catch(() => {});
      await handled;
      return { status: 204 };
    } catch (error) {
      if (error instanceof WebhookRefusedError) return { status: error.status };
      throw error;
    }
  };
}

async function answerOf(
  incoming: IncomingMessage,
  { answer, maxBodyBytes = MAX_BODY_BYTES, onError = console.error }: NodeReceiverOptions,
): Promise<Answer> {
  const body = await readBody(incoming, maxBodyBytes).catch(() => BROKEN_OFF);
  if (typeof body !== "string") return body;
  try {
    return await answer({ path: incoming.url ?? "", headers: incoming.headers, body });
  } catch (error) {
    onError(error);
    return { status: 500 };
  }
}

/** The connection closed before the body was complete, so nobody reads this response. */
const BROKEN_OFF: Answer = { status: 400 };
/** The unread rest of the body would be parsed as the next request, so the connection closes. */
const TOO_LARGE: Answer = { status: 413, headers: { connection: "close" } };

async function readBody(incoming: IncomingMessage, maxBodyBytes: number): Promise<string | Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop must not close the connection: the response still needs it.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return TOO_LARGE;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
