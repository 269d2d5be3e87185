import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { z } from "zod";
import { eventually } from "./eventually.ts";

const bodySchema = z.object({
  feed: z.string(),
  session: z.string(),
  epoch: z.number(),
  first: z.number(),
  last: z.number(),
  previous: z.number(),
  messages: z.array(
    z.object({
      sequence: z.number(),
      type: z.string(),
      timestamp: z.string(),
      /** Of Stasis messages. */
      event: z.looseObject({}).default({}),
      /** Of AMI messages. */
      text: z.string().default(""),
      fields: z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}),
    }),
  ),
});

export interface ReceivedRequest {
  readonly path: string;
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: z.infer<typeof bodySchema>;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
}

/** Decides the answer to a request; `count` is how many requests of its path came before it. */
export type Answering = (request: ReceivedRequest, count: number) => Answer | Promise<Answer>;

/** A real HTTP server in the role of a subscriber: keeps what it gets, by path, and answers as told. */
export class WebhookReceiver implements AsyncDisposable {
  readonly #server: Server;
  readonly #requests = new Map<string, ReceivedRequest[]>();
  /** Set to change the answers; 204 to everything at first. */
  answer: Answering = () => ({ status: 204 });

  private constructor() {
    this.#server = createServer(async (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString("utf8");
      const path = incoming.url ?? "";
      const request = {
        path,
        id: String(incoming.headers["webhook-id"]),
        headers: incoming.headers,
        text,
        body: bodySchema.parse(JSON.parse(text)),
      };
      const before = this.requests(path).length;
      this.#requests.set(path, [...this.requests(path), request]);
      const { status, headers } = await this.answer(request, before);
      outgoing.writeHead(status, headers).end();
    });
  }

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  requests(path: string): readonly ReceivedRequest[] {
    return this.#requests.get(path) ?? [];
  }

  /** The numbers of all messages that came, in the order in which they came. */
  sequences(path: string): number[] {
    return this.requests(path).flatMap(({ body }) => body.messages.map(({ sequence }) => sequence));
  }

  /** Resolves when `count` requests have come to the path. */
  async untilRequests(
    path: string,
    count: number,
    withinMillis?: number,
  ): Promise<readonly ReceivedRequest[]> {
    return eventually(
      `${count} requests to ${path}`,
      () => this.requests(path).length >= count && this.requests(path),
      withinMillis,
    );
  }

  /** Resolves when the message with this number has come to the path. */
  async untilReceived(path: string, sequence: number, withinMillis?: number): Promise<void> {
    await eventually(
      `message ${sequence} at ${path} (the last is ${this.sequences(path).at(-1)})`,
      () => this.sequences(path).includes(sequence),
      withinMillis,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Whether the request is signed with the secret, as a subscriber with the reference library finds out. */
export function isSignedWith(secret: string, request: ReceivedRequest): boolean {
  try {
    new Webhook(secret).verify(request.text, request.headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}
