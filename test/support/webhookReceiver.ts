import type { IncomingHttpHeaders } from "node:http";
import { parseWebhook, verifyWebhook, type WebhookRequest } from "../../client/index.ts";
import { type Answer, NodeReceiver } from "../../client/nodeReceiver.ts";
import { eventually } from "./eventually.ts";

/** A message with the parts of both formats. The parts of the other format are empty. */
export interface ReceivedMessage {
  readonly sequence: number;
  readonly type: string;
  readonly timestamp: string;
  readonly event: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
}

export interface ReceivedRequest {
  readonly path: string;
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Omit<WebhookRequest, "messages"> & { readonly messages: readonly ReceivedMessage[] };
}

/** Returns the response to a request. `count` is the number of earlier requests to the same path. */
export type Answering = (request: ReceivedRequest, count: number) => Answer | Promise<Answer>;

/** A subscriber that records its requests by path and sends the responses that a test sets. */
export class WebhookReceiver implements AsyncDisposable {
  readonly #receiver: NodeReceiver;
  readonly #requests: Map<string, ReceivedRequest[]>;
  /** Set it to change the responses. The default is 204. */
  answer: Answering = () => ({ status: 204 });

  private constructor(receiver: NodeReceiver, requests: Map<string, ReceivedRequest[]>) {
    this.#receiver = receiver;
    this.#requests = requests;
  }

  static async start(): Promise<WebhookReceiver> {
    const requests = new Map<string, ReceivedRequest[]>();
    const server = await NodeReceiver.start({
      answer: ({ path, headers, body: text }) => {
        const id = String(headers["webhook-id"]);
        const request = { path, id, headers, text, body: bodyOf(parseWebhook(text)) };
        const before = requests.get(path) ?? [];
        requests.set(path, [...before, request]);
        return receiver.answer(request, before.length);
      },
    });
    const receiver = new WebhookReceiver(server, requests);
    return receiver;
  }

  url(path: string): string {
    return this.#receiver.url(path);
  }

  requests(path: string): readonly ReceivedRequest[] {
    return this.#requests.get(path) ?? [];
  }

  /** The numbers of all received messages, in order of arrival. */
  sequences(path: string): number[] {
    return this.requests(path).flatMap(({ body }) => body.messages.map(({ sequence }) => sequence));
  }

  /** Resolves when `count` requests have arrived at the path. */
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

  /** Resolves when the message with this number has arrived at the path. */
  async untilReceived(path: string, sequence: number, withinMillis?: number): Promise<void> {
    await eventually(
      `message ${sequence} at ${path} (the last is ${this.sequences(path).at(-1)})`,
      () => this.sequences(path).includes(sequence),
      withinMillis,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#receiver[Symbol.asyncDispose]();
  }
}

/** Whether the request is signed with the secret. */
export function isSignedWith(secret: string, request: ReceivedRequest): boolean {
  try {
    verifyWebhook(secret, request.headers, request.text);
    return true;
  } catch {
    return false;
  }
}

function bodyOf({ messages, ...request }: WebhookRequest): ReceivedRequest["body"] {
  return {
    ...request,
    messages: messages.map((message) => ({ event: {}, text: "", fields: {}, ...message })),
  };
}
