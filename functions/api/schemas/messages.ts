import { z } from "@hono/zod-openapi";
import { MAX_EVENT_NAME_CHARACTERS } from "../../../shared/ami/eventName.ts";
import { format, indexed, isoTime, limitUpTo, queryNumber } from "./common.ts";

/** Messages: read, sent by webhooks, and appended. */

/** `position` as a query can have it. */
const queryPosition = z
  .union(
    [z.enum(["tail", "head"]), queryNumber(Number.MAX_SAFE_INTEGER), isoTime.transform((time) => ({ time }))],
    'must be "tail", "head", a whole number from 1 on, or a time in ISO 8601',
  )
  .openapi({
    description:
      'Where to begin: a number, a time, "tail" for what is appended next, or "head", as without it, for the first message still held.',
  });

export const messagesQuery = z.object({
  format: format.default("stasis"),
  from: queryPosition.optional(),
  limit: limitUpTo(1000),
  wait: z
    .string()
    .regex(/^(?:1?\d|20)$/, "must be a whole number of seconds, at most 20")
    .transform(Number)
    .default(0)
    .openapi({
      type: "integer",
      minimum: 0,
      maximum: 20,
      default: 0,
      description: "Long poll: when there is nothing to read, wait for it, so many seconds at most.",
    }),
});

const stasisMessage = z
  .object({
    sequence: z.int(),
    type: z.string(),
    timestamp: z.string(),
    event: z.looseObject({}).openapi({ description: "The Stasis event as Asterisk sent it." }),
  })
  .openapi("StasisMessage");

const amiMessage = z
  .object({
    sequence: z.int(),
    type: z.string().openapi({ description: "The AMI event's name." }),
    timestamp: z.string(),
    text: z.string().openapi({ description: "The AMI text, including its line endings." }),
    fields: z
      .record(z.string(), z.union([z.string(), z.array(z.string())]))
      .openapi({ description: "The fields of the text by name; repeated fields are arrays." }),
    charset: z.string().optional().openapi({
      description:
        "What `text` was read as, when Asterisk's bytes are not UTF-8: the declared charset, or iso-8859-1.",
    }),
    base64: z
      .string()
      .optional()
      .openapi({ description: "The bytes of `text` as Asterisk sent them, when they are not UTF-8." }),
  })
  .openapi("AmiMessage");

const message = z.union([stasisMessage, amiMessage]).openapi("Message");

export const messageList = z
  .object({
    feed: z.string(),
    messages: z.array(message),
    next: z.int().openapi({ description: "Pass it as `from` to read on." }),
    gap: z
      .object({ first: z.int(), last: z.int() })
      .optional()
      .openapi({ description: "Numbers that were requested and are no longer held." }),
  })
  .openapi("MessageList");

export const webhookRequest = z
  .object({
    feed: z.string(),
    session: z.string().openapi({ description: "The session's id." }),
    epoch: z.int().openapi({
      description:
        "The fence of the session's cursor: it grows each time another turn takes the session over. A smaller one than before marks a late request.",
    }),
    first: z.int(),
    last: z.int(),
    previous: z
      .int()
      .openapi({ description: "The last sequence number sent to this session before `first`." }),
    messages: z.array(message),
  })
  .openapi("WebhookRequest");

export const appendResult = z
  .object({
    first: z.int().nullable().openapi({ description: "null: its message was appended before and is freed." }),
    last: z.int().nullable().openapi({ description: "null: its message was appended before and is freed." }),
    accepted: z.int(),
    duplicates: z
      .int()
      .openapi({ description: "Events that were appended before. They keep their original numbers." }),
    refused: indexed,
    skipped: z.int().optional().openapi({
      description:
        "In AMI text: blocks that are not appended: greetings, responses, and the events that belong to a response.",
    }),
  })
  .openapi("AppendResult");

/** Events are judged one by one, so the schema of a request asks nothing of them. */
export const events = z
  .array(z.unknown())
  .min(1)
  .openapi("Events", {
    description: `Each an object with a \`type\` of 1 to ${MAX_EVENT_NAME_CHARACTERS} visible characters. An event that is not is refused alone; the response names it.`,
    example: [{ type: "ChannelCreated", timestamp: "2026-11-23T08:00:24.403+0000", channel: { id: "1.0" } }],
  });
