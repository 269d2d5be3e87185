import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type ReceivedWebhook, verifyWebhook, WebhookRefusedError } from "./receiver.ts";

/**
 * Far above what the relay sends: 512 KiB of messages in one request, in AMI twice (text and fields), and what escaping
 * adds. A request that is refused for its size would come again for days.
 */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** A request as it came, not verified. */
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
  /** Any free one if absent. */
  readonly port?: number;
  /** 127.0.0.1 if absent. */
  readonly host?: string;
  readonly maxBodyBytes?: number;
  /** Decides what a request is answered with; 500 when it throws. */
  answer(webhook: RawWebhook): Answer | Promise<Answer>;
  /** Is told what `answer` threw; prints it if absent. */
  onError?(error: unknown): void;
}

/** An HTTP server for webhooks. Put TLS in front of it, or use `verified` in a server of your own. */
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
      // Set, not written: then `end` knows that there is no body. As chunks a session got a third of the messages a second.
      outgoing.statusCode = status;
      outgoing.setHeaders(new Map(Object.entries(headers ?? {}))).end();
    });
    // Longer than the pauses of a steady feed, so that the relay need not connect for each request.
    server.keepAliveTimeout = 60_000;
    server.listen(port, host);
    await once(server, "listening");
    return new NodeReceiver(server);
  }

  /** Where the receiver is reached from this machine. Every name below `localhost` leads here. */
  url(path: string, host = "127.0.0.1"): string {
    return `http://${host}:${this.port}${path}`;
  }

  /** Ends all connections, also those whose requests are not answered yet. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/**
 * Answers with 2xx once `handle` has stored the request, and refuses what the relay did not send. When `handle` throws,
 * the relay gets a 500 and sends the same request again. Requests are handled one after another, in the order in which
 * they came: while the session changes hands, two of them can arrive at once.
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

/** Nobody is left to read this answer. */
const BROKEN_OFF: Answer = { status: 400 };
/** What was not read of the body would be taken for the next request, so the connection ends. */
const TOO_LARGE: Answer = { status: 413, headers: { connection: "close" } };

async function readBody(incoming: IncomingMessage, maxBodyBytes: number): Promise<string | Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop must not end the connection: the answer has to go through it.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return TOO_LARGE;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
