import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { type ReceivedWebhook, verifyWebhook, WebhookRefusedError } from "./receiver.ts";
import { isGzip, MAX_WEBHOOK_BYTES, notGzip, tooLarge } from "./webhookText.ts";

/** A request as received, not verified. */
export interface RawWebhook {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Inflated if it was compressed. */
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The relay shows the text of an error to its operator. */
  readonly text?: string;
}

export interface NodeReceiverOptions {
  /** A free port if absent. */
  readonly port?: number;
  /** 127.0.0.1 if absent. */
  readonly host?: string;
  /** 8 MiB if absent. Counted after inflating: a small body can inflate to gigabytes. */
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
      const { status, headers, text } = await answerOf(incoming, options);
      if (outgoing.destroyed) return;
      // With `writeHead` the empty body would be chunked, which cut a session's messages per second to a third.
      outgoing.statusCode = status;
      outgoing.setHeaders(new Map(Object.entries(headers ?? {}))).end(text);
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
      if (error instanceof WebhookRefusedError) return refusing(error);
      throw error;
    }
  };
}

async function answerOf(
  incoming: IncomingMessage,
  { answer, maxBodyBytes = MAX_WEBHOOK_BYTES, onError = console.error }: NodeReceiverOptions,
): Promise<Answer> {
  const { url: path = "", headers } = incoming;
  const bytes = await readBody(incoming, maxBodyBytes);
  if (bytes === "broken off") return BROKEN_OFF;
  // The unread rest of the body would be parsed as the next request, so the connection closes.
  if (bytes === "too large") return { ...refusing(tooLarge(maxBodyBytes)), headers: { connection: "close" } };
  try {
    const body = textOf(headers, bytes, maxBodyBytes);
    return await answer({ path, headers, body });
  } catch (error) {
    if (error instanceof WebhookRefusedError) return refusing(error);
    onError(error);
    return { status: 500 };
  }
}

/** The connection closed before the body was complete, so nobody reads this response. */
const BROKEN_OFF: Answer = { status: 400 };
function refusing({ status, message }: WebhookRefusedError): Answer {
  return { status, text: message };
}

async function readBody(
  incoming: IncomingMessage,
  maxBodyBytes: number,
): Promise<Buffer | "too large" | "broken off"> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Leaving the loop must not close the connection: the response still needs it.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) return "too large";
      chunks.push(chunk);
    }
  } catch {
    return "broken off";
  }
  return Buffer.concat(chunks);
}

/** @throws WebhookRefusedError */
function textOf(headers: IncomingHttpHeaders, bytes: Buffer, maxBytes: number): string {
  if (!isGzip(headers)) return bytes.toString("utf8");
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes }).toString("utf8");
  } catch (error) {
    const isTooLarge =
      error instanceof RangeError && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    throw isTooLarge ? tooLarge(maxBytes) : notGzip(error);
  }
}
