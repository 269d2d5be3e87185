import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { type DeliveryCheck, webhookBody } from "./deliveryCheck.ts";

/** By this part of its URL a later run recognises a session that an earlier one left over. */
export const RECEIVER_PATH = "/stasis-relay-demo/";

interface Subscriber {
  readonly secret: string;
  readonly check: DeliveryCheck;
}

export interface ReceiverOptions {
  readonly name: string;
  /** How long it takes over each request. */
  readonly delayMillis: number;
}

/** A webhook endpoint that checks what it gets. */
export interface Receiver {
  readonly name: string;
  readonly url: string;
  /** Before this, every request is refused: its signature cannot be checked. */
  subscribe(subscriber: Subscriber): void;
  close(): Promise<void>;
}

export async function startReceiver({ name, delayMillis }: ReceiverOptions): Promise<Receiver> {
  let subscriber: Subscriber | undefined;
  const server = createServer((request, response) => {
    receive(request, subscriber, delayMillis).then(
      (status) => response.writeHead(status).end(),
      () => refuse(response),
    );
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(0, "127.0.0.1", listening);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    name,
    url: `http://127.0.0.1:${port}${RECEIVER_PATH}${name}`,
    subscribe: (given) => {
      subscriber = given;
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

/** Checks one request and resolves with the status to answer. */
async function receive(
  request: IncomingMessage,
  subscriber: Subscriber | undefined,
  delayMillis: number,
): Promise<number> {
  const text = await readText(request);
  if (subscriber === undefined) return 503;
  const id = String(request.headers["webhook-id"]);
  let body: unknown;
  try {
    // Also refuses a timestamp that is more than five minutes off.
    body = new Webhook(subscriber.secret).verify(text, {
      "webhook-id": id,
      "webhook-timestamp": String(request.headers["webhook-timestamp"]),
      "webhook-signature": String(request.headers["webhook-signature"]),
    });
  } catch {
    subscriber.check.badSignature();
    return 401;
  }
  subscriber.check.receive(id, webhookBody.parse(body));
  if (delayMillis > 0) await pause(delayMillis);
  return 200;
}

/** The request broke off, or its body is not what the relay says that it sends. */
function refuse(response: ServerResponse): void {
  if (!response.destroyed) response.writeHead(400).end();
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
