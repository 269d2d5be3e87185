import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type ReceivedWebhook, verifyWebhook, WebhookRefusedError } from "./receiver.ts";

/** The relay puts at most 512 KiB of events into a request; one event has at most 128 KiB. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;

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
    const { port = 0, host = "127.0.0.1", maxBodyBytes = MAX_BODY_BYTES, answer } = options;
    const server = createServer(async (incoming, outgoing) => {
      const { status, headers } = await answerOf(incoming, maxBodyBytes, answer);
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
 * the relay gets a 500 and sends the same request again.
 */
export function verified(
  secret: string,
  handle: (webhook: ReceivedWebhook) => void | Promise<void>,
): NodeReceiverOptions["answer"] {
  return async ({ headers, body }) => {
    try {
      await handle(verifyWebhook(secret, headers, body));
      return { status: 204 };
    } catch (error) {
      if (error instanceof WebhookRefusedError) return { status: error.status };
      throw error;
    }
  };
}

async function answerOf(
  incoming: IncomingMessage,
  maxBodyBytes: number,
  answer: NodeReceiverOptions["answer"],
): Promise<Answer> {
  try {
    const body = await readBody(incoming, maxBodyBytes);
    // What was not read of the body would be taken for the next request.
    if (body === undefined) return { status: 413, headers: { connection: "close" } };
    return await answer({ path: incoming.url ?? "", headers: incoming.headers, body });
  } catch {
    return { status: 500 };
  }
}

/** Undefined when it is too large. */
async function readBody(incoming: IncomingMessage, maxBodyBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
