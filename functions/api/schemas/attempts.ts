import { z } from "@hono/zod-openapi";
import { time } from "./common.ts";

/** What became of messages: a session's attempts, and the explanation of one message. */

export const attemptView = z
  .object({
    outcome: z.enum(["accepted", "failed"]),
    status: z.int().optional(),
    reason: z.string().optional().openapi({ description: "Of a failure. Stable, for programs." }),
    detail: z.string().optional().openapi({ description: "Of a failure, for people." }),
    since: time.openapi({ description: "When the first request of the entry was answered." }),
    at: time.openapi({ description: "When the last request of the entry was answered." }),
    durationMillis: z.int().openapi({ description: "Of the longest request." }),
    requests: z.int().openapi({
      description:
        "Successes that follow each other within a minute are one entry; a failure is one of its own.",
    }),
    batch: z.string().openapi({ description: "The `webhook-id` of the last request." }),
    first: z.int().openapi({ description: "The first message, or the beginning of the gap." }),
    last: z.int().openapi({ description: "The last message, or the end of the gap." }),
    messages: z.int(),
    gap: z.string().optional().openapi({ description: "The reason of the gap that the request reported." }),
    test: z.string().optional().openapi({ description: "The id of the test message that it was." }),
  })
  .openapi("Attempt");
export type AttemptView = z.infer<typeof attemptView>;

export const attemptList = z
  .object({ session: z.string(), attempts: z.array(attemptView) })
  .openapi("AttemptList");

export const explanation = z
  .object({
    session: z.string(),
    feed: z.string(),
    sequence: z.int(),
    outcome: z
      .enum([
        "delivered",
        "passed",
        "filtered",
        "gap",
        "in-flight",
        "waiting",
        "not-appended",
        "freed",
        "expired",
        "no-position",
      ])
      .openapi({
        description:
          "`passed`: the session stands behind it, and no attempt at it is recorded. `no-position`: the AMI user has none.",
      }),
    because: z
      .enum(["backoff", "paused", "suspended", "batch", "wake", "connection"])
      .optional()
      .openapi({ description: "What a waiting message waits for." }),
    explanation: z.string().openapi({ description: "For people." }),
    filter: z
      .object({
        part: z.enum(["form", "class", "types", "read", "events", "eventFilters"]),
        line: z.string().optional().openapi({
          description: "The event filter that excludes it; absent when no including filter matches.",
        }),
      })
      .optional()
      .openapi({ description: "The part of the filter, as it is now, that the message does not pass." }),
    attempt: attemptView.optional().openapi({
      description: "The request that brought or reported it, or the last one that failed to.",
    }),
    message: z
      .object({
        type: z.string().optional(),
        amiEvent: z.string().optional(),
        amiClasses: z.array(z.string()).optional(),
        appendedAt: time,
      })
      .optional()
      .openapi({ description: "Absent when the message is not held." }),
  })
  .openapi("Explanation");
export type ExplanationView = z.infer<typeof explanation>;
