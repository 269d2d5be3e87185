import { Webhook } from "standardwebhooks";
import { z } from "zod";
import type { WebhookRequest } from "./types.ts";

/** A webhook request with a valid signature. */
export interface ReceivedWebhook {
  /** The batch id, the same on every attempt at the batch. */
  readonly id: string;
  readonly request: WebhookRequest;
}

/** The headers of a `Request`, or of `node:http`, which has their names in lower case. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The request did not come from the relay, or not for this session. */
export class WebhookRefusedError extends Error {
  /** The status to answer with: 401 for a wrong signature, 400 for a wrong body, 413 and 415 from `webhookText`. */
  readonly status: 400 | 401 | 413 | 415;

  constructor(status: WebhookRefusedError["status"], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "WebhookRefusedError";
    this.status = status;
  }
}

/**
 * Verifies a request (Standard Webhooks) and parses its body. A timestamp more than five minutes off is refused too.
 * @param secret the session's secret, from the response that created the session or last rotated the secret
 * @param body the exact bytes received, decoded as UTF-8: parsing and re-serializing would break the signature. If the
 *   session has `compress`, the bytes must be inflated before (`webhookText`): the signature is that of the JSON text
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
    throw new WebhookRefusedError(401, "the signature is wrong", error);
  }
  return { id, request: parseWebhook(body) };
}

/**
 * Parses a body without checking the signature. Use it only for bodies verified before, for example from storage.
 * @throws WebhookRefusedError if the body is not a webhook request of the relay
 */
export function parseWebhook(body: string): WebhookRequest {
  try {
    const value: unknown = JSON.parse(body);
    webhookRequest.parse(value);
    // The schema's own result would lack some of an event's keys, such as __proto__.
    return value as WebhookRequest;
  } catch (error) {
    throw new WebhookRefusedError(400, "the body is not a webhook request of the relay", error);
  }
}

const message = z.looseObject({ sequence: z.int(), type: z.string(), timestamp: z.string() });
const stasisMessage = message.extend({ event: z.record(z.string(), z.unknown()) });
const amiMessage = message.extend({
  text: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
});

/** The numbers must be consistent within the request. `checkLink` compares them with the previous request. */
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
    // A request that reports a gap has one message, numbered as the gap's last.
    return previous < first && first <= lowest && ascend && numbers.at(-1) === last;
  }, "the numbers do not ascend from previous through first to last");

export function headerOf(headers: WebhookHeaders, name: string): string {
  if (headers instanceof Headers) return headers.get(name) ?? "";
  return String(headers[name] ?? "");
}
