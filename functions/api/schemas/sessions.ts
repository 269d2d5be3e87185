import { z } from "@hono/zod-openapi";
import { format, time } from "./common.ts";
import { compress, filter } from "./newSessions.ts";

/** Sessions as they are shown. */

const sequenceNext = z.int().openapi({ description: "The first message that the session has not received." });
const lagSeconds = z
  .number()
  .openapi({ description: "Age of the oldest message that the session has not received." });
const lastError = z
  .object({ reason: z.string(), detail: z.string(), status: z.int().optional(), at: time })
  .nullable();

const cursorView = z
  .object({
    state: z.enum(["parked", "signalled", "active", "backoff", "paused", "suspended"]).openapi({
      description: "The state of the row. Here `active` means that a turn or a connection holds it.",
    }),
    segment: z.int().openapi({ description: "The segment in which the session is counted." }),
    fence: z.int().openapi({
      description: "Grows each time the cursor is taken over. Webhooks carry it as `epoch`.",
    }),
    lane: z.enum(["fast", "slow"]),
    leaseUntil: time.nullable().openapi({ description: "When the lease of its holder expires." }),
    dueAt: time.nullable().openapi({ description: "When the backoff ends." }),
    gap: z
      .object({ first: z.int(), last: z.int(), reason: z.string() })
      .nullable()
      .openapi({ description: "A gap that is not reported to the subscriber yet." }),
  })
  .openapi({ description: "The durable row behind the session, for troubleshooting." });
export type CursorView = z.infer<typeof cursorView>;

const webhookSessionView = z
  .object({
    id: z.string(),
    feed: z.string(),
    kind: z.literal("webhook"),
    url: z.string(),
    format,
    maxBatch: z.int(),
    filter: filter.nullable(),
    compress: compress.nullable(),
    state: z.enum(["active", "backoff", "paused", "suspended"]).openapi({
      description:
        "What the session's owner wants, and what stops it. Here `active` means that nothing does; whether a turn holds the session is in `cursor.state`.",
    }),
    next: sequenceNext,
    lagMessages: z.int(),
    lagSeconds,
    attempts: z.int().openapi({ description: "Failures in a row." }),
    lastError,
    lastDelivery: time.nullable(),
    createdAt: time,
    cursor: cursorView,
  })
  .openapi("WebhookSession");
export type WebhookSessionView = z.infer<typeof webhookSessionView>;

const amiSessionView = z
  .object({
    id: z.string(),
    feed: z.string(),
    kind: z.literal("ami"),
    username: z.string(),
    read: z.string(),
    eventFilters: z.array(z.string()),
    resume: z.boolean(),
    multipleLogin: z.enum(["refuse", "take-over"]),
    sequenceHeader: z.boolean(),
    state: z.enum(["active", "paused", "suspended"]).openapi({
      description:
        "`active`: can log in. `suspended`: the position is beyond the feed's end, so a person must set it.",
    }),
    connectedSince: time.nullable().openapi({
      description:
        "When the connection that holds the position logged in; null when there is none. Without `resume`, connections are not recorded, and it is null.",
    }),
    lastLogin: time.nullable().openapi({ description: "Recorded with `resume` only." }),
    next: sequenceNext
      .nullable()
      .openapi({ description: "null without `resume`, as all that follows from it." }),
    lagMessages: z.int().nullable(),
    lagSeconds: lagSeconds.nullable(),
    lastError,
    lastDelivery: time.nullable(),
    createdAt: time,
    cursor: cursorView.nullable(),
  })
  .openapi("AmiSession");
export type AmiSessionView = z.infer<typeof amiSessionView>;

export const sessionView = z
  .discriminatedUnion("kind", [webhookSessionView, amiSessionView])
  .openapi("Session");
export type SessionView = z.infer<typeof sessionView>;

const newSecret = z.string().openapi({
  description: "Signs the requests (Standard Webhooks), or logs in to the AMI gateway. Not shown again.",
});
export const createdSession = z
  .discriminatedUnion("kind", [
    webhookSessionView.extend({ secret: newSecret }).openapi("CreatedWebhookSession"),
    amiSessionView.extend({ secret: newSecret }).openapi("CreatedAmiSession"),
  ])
  .openapi("CreatedSession");

const rotatedSecret = z.string().optional().openapi({ description: "The new secret, after a rotation." });
export const changedSession = z
  .discriminatedUnion("kind", [
    webhookSessionView.extend({ secret: rotatedSecret }).openapi("ChangedWebhookSession"),
    amiSessionView.extend({ secret: rotatedSecret }).openapi("ChangedAmiSession"),
  ])
  .openapi("ChangedSession");

export const sessionList = z
  .object({ sessions: z.array(sessionView), after: z.string().optional() })
  .openapi("SessionList");
