import { setTimeout as pause } from "node:timers/promises";
import { verifyWebhook, WebhookRefusedError } from "../../client/index.ts";
import { NodeReceiver } from "../../client/nodeReceiver.ts";
import type { DeliveryCheck } from "./deliveryCheck.ts";

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
  readonly url: string;
  /** Before this, every request is refused: its signature cannot be checked. */
  subscribe(subscriber: Subscriber): void;
  close(): Promise<void>;
}

export async function startReceiver({ name, delayMillis }: ReceiverOptions): Promise<Receiver> {
  let subscriber: Subscriber | undefined;
  const receiver = await NodeReceiver.start({
    answer: async ({ headers, body }) => {
      if (subscriber === undefined) return { status: 503 };
      const { secret, check } = subscriber;
      try {
        const { id, request } = verifyWebhook(secret, headers, body);
        check.receive(id, request);
      } catch (error) {
        if (!(error instanceof WebhookRefusedError)) throw error;
        if (error.status === 401) check.badSignature();
        return { status: error.status };
      }
      if (delayMillis > 0) await pause(delayMillis);
      return { status: 200 };
    },
  });
  return {
    url: receiver.url(`${RECEIVER_PATH}${name}`),
    subscribe: (given) => {
      subscriber = given;
    },
    close: () => receiver[Symbol.asyncDispose](),
  };
}
