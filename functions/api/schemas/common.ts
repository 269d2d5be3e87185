import { z } from "@hono/zod-openapi";
import type { Problem } from "../../../shared/http/problem.ts";
import { FEED_NAME } from "../../../shared/queue/sequence.ts";

/**
 * The schemas of the interface, by subject. They validate requests and make the OpenAPI document. Field names are published:
 * where one differs from the code's word, its description says so.
 */

export const feedName = z
  .string()
  .regex(
    FEED_NAME,
    "must have 1 to 64 letters, digits, dots, underscores or hyphens, and begin with a letter or digit",
  )
  .openapi({ example: "pbx-1", description: "One Asterisk system's ordered stream of messages." });

export const isoTime = z.iso
  .datetime({ offset: true })
  .refine((text) => !Number.isNaN(Date.parse(text)), "must be a time that exists");

export const format = z.enum(["stasis", "ami"]);

export const time = z.iso.datetime().openapi({ example: "2026-11-23T08:00:24.396Z" });

/** A whole number in a query: digits and nothing else. */
export function queryNumber(maximum: number) {
  return z
    .string()
    .regex(/^\d{1,16}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.int().min(1).max(maximum))
    .openapi({ type: "integer", minimum: 1, maximum });
}

/** How many items a response has at most, 100 when the query does not say. */
export function limitUpTo(maximum: number) {
  return queryNumber(maximum).default(100).openapi({ type: "integer", minimum: 1, maximum, default: 100 });
}

export const sequenceInPath = queryNumber(Number.MAX_SAFE_INTEGER);

export const listQuery = z.object({
  limit: limitUpTo(100),
  after: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .openapi({ description: "The `after` of the previous response." }),
});

/** Lists leave out what the caller's key does not cover, so a page may have fewer entries than asked for, or none. */
export const nextPage = z
  .string()
  .optional()
  .openapi({ description: "Pass it as `after` to get the next page; absent on the last page." });

const placed = z.array(z.object({ at: z.string(), error: z.string() }));
export const indexed = z.array(z.object({ index: z.int(), error: z.string() }));

export const serviceView = z
  .object({
    name: z.string(),
    version: z.string(),
    description: z.string(),
    console: z.string(),
    docs: z.string(),
    openapi: z.string(),
    health: z.string(),
  })
  .openapi("Service");

export const problem = z
  .object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int(),
    code: z.string().openapi({ description: "Stable, for programs." }),
    detail: z.string(),
    errors: placed.optional().openapi({ description: "Where the request is wrong, one entry per place." }),
    refused: indexed.optional().openapi({ description: "Refused events, by their index in the body." }),
  })
  .openapi("Problem") satisfies z.ZodType<Problem>;
