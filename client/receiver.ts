import { Webhook } from "standardwebhooks";
import { z } from "zod";
import type { WebhookRequest } from "./types.ts";

/** A webhook request whose signature was verified. */
export interface ReceivedWebhook {
  /** The same on every try of the same batch. */
  readonly id: string;
  readonly request: WebhookRequest;
}

/** As `Request` has them, or as `node:http` does: with their names in lower case. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The request is not what the relay sends to this session. */
export class WebhookRefusedError extends Error {
  /** What to answer. */
  readonly status: 400 | 401;

  constructor(status: 400 | 401, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "WebhookRefusedError";
    this.status = status;
  }
}

/**
 * Verifies a request (Standard Webhooks) and reads its body. A timestamp more than five minutes off is refused too.
 * @param secret of the session: from the answer that created it, or that of its last rotation
 * @param body exactly as it came
 * @throws WebhookRefusedError
 */
export function verifyWebhook(secret: string, headers: WebhookHeaders, body: string): ReceivedWebhook {
  const webhook = new Webhook(secret);
  const id = headerOf(headers, "webhook-id");
  const signed = {
    "webhook-id": id,
    "webhook-timestamp": headerOf(headers, "webhook-timestamp"),
    "webhook-signature": headerOf(headers, "webhook-signature"),
  };
  try {
    webhook.verify(body, signed, { jsonParse: false });
  } catch (error) {
    throw new WebhookRefusedError(401, "the signature does not fit", error);
  }
  return { id, request: parseWebhook(body) };
}

/**
 * Reads a body without verifying who sent it: for what was verified before.
 * @throws WebhookRefusedError when it is not what the relay sends
 */
export function parseWebhook(body: string): WebhookRequest {
  try {
    const value: unknown = JSON.parse(body);
    webhookRequest.parse(value);
    // As it came: what the schema makes of it would lack keys of events such as __proto__.
    return value as WebhookRequest;
  } catch (error) {
    throw new WebhookRefusedError(400, "the body is not what the relay sends", error);
  }
}

const message = z.looseObject({ sequence: z.int(), type: z.string(), timestamp: z.string() });
const stasisMessage = message.extend({ event: z.record(z.string(), z.unknown()) });
const amiMessage = message.extend({
  text: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
});

/** The numbers must make sense in themselves. Whether they follow on the request before is for the chain to say. */
const webhookRequest = z
  .looseObject({
    feed: z.string(),
    session: z.string(),
    epoch: z.int(),
    first: z.int(),
    last: z.int(),
    previous: z.int(),
    messages: z.array(z.union([stasisMessage, amiMessage])),
  })
  .refine(({ first, last, previous, messages }) => {
    const numbers = messages.map(({ sequence }) => sequence);
    const [lowest = 0] = numbers;
    const ascend = numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? number));
    // A request that tells a gap has one message, numbered as the last one of the gap.
    return previous < first && first <= lowest && ascend && numbers.at(-1) === last;
  }, "the numbers do not ascend from previous over first to last");

function headerOf(headers: WebhookHeaders, name: string): string {
  if (headers instanceof Headers) return headers.get(name) ?? "";
  return String(headers[name] ?? "");
}
