import { z } from "@hono/zod-openapi";
import { nextPage, time } from "./common.ts";

/** Feeds and their producers. */

export const feedView = z
  .object({
    feed: z.string(),
    head: z
      .int()
      .openapi({ description: "The first sequence number still held: the first one of the head segment." }),
    tail: z.int().openapi({ description: "The last sequence number appended; 0 if there is none." }),
    segmentSize: z.int(),
    wrapUnmapped: z.literal(true).optional().openapi({
      description: "An event that Manager does not have becomes a UserEvent named `ARI-<type>`.",
    }),
    segments: z
      .array(
        z.object({
          segment: z.int(),
          messages: z.int(),
          references: z.int().openapi({ description: "How many sessions are counted in the segment." }),
        }),
      )
      .openapi({
        description:
          "All segments; of more than 100, the first, the last, and the lowest ones where sessions stand.",
      }),
    segmentsLeftOut: z
      .int()
      .optional()
      .openapi({ description: "How many segments are not listed; absent if there are none." }),
  })
  .openapi("Feed");
export type FeedView = z.infer<typeof feedView>;

const feedSummary = z
  .object({
    feed: z.string(),
    head: z.int().openapi({ description: "The first sequence number still held." }),
    tail: z.int().openapi({ description: "The last sequence number appended; 0 if there is none." }),
    lastAppend: time.nullable(),
    sessions: z.int().openapi({ description: "How many sessions follow the feed." }),
    lagMessagesAtMost: z.int().openapi({
      description:
        "No session lags more than this: from the first number of the lowest segment with a session to the tail.",
    }),
    producers: z
      .int()
      .openapi({ description: "How many named producers the last page knows: those of the last day." }),
  })
  .openapi("FeedSummary");
export type FeedSummary = z.infer<typeof feedSummary>;

export const feedList = z.object({ feeds: z.array(feedSummary), after: nextPage }).openapi("FeedList");

const producerView = z
  .object({
    producer: z.string(),
    start: z.int().openapi({ description: "The first position that the feed knows of this producer." }),
    next: z.int().openapi({ description: "The position that the feed expects next." }),
    gaps: z
      .array(z.object({ first: z.int(), last: z.int() }))
      .openapi({ description: "Positions that were skipped and reported as gaps; the last 8." }),
    lastSeen: time,
    key: z.string().nullable().openapi({
      description:
        "The key under which it first sent: the feed remembers it for 30 days. null: a day, as one of 32.",
    }),
  })
  .openapi("Producer");
export type ProducerView = z.infer<typeof producerView>;

export const producerList = z
  .object({ feed: z.string(), producers: z.array(producerView) })
  .openapi("ProducerList");

export const feedChange = z.strictObject({ wrapUnmapped: z.boolean() }).openapi("FeedChange");
