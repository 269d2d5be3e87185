import { createHash } from "node:crypto";
import type { Segment, Sequence } from "../queue/sequence.ts";

/** Item keys of all tables, in one place. Numbers are padded so that their order as text is their order. */

const DIGITS = 16;

export function padded(number: number): string {
  return String(number).padStart(DIGITS, "0");
}

/** Cursors of one feed are spread over these partitions; a reader of them all queries each. */
export const CURSOR_SHARDS = 4;

/** A segment's reference count is the sum over these items, so that many sessions can cross at once. */
export const REFERENCE_SHARDS = 8;

export function shardOf(session: string, shards: number): number {
  return createHash("sha256").update(session).digest().readUInt32BE(0) % shards;
}

export const keys = {
  page: (feed: string, segment: Segment, first: Sequence) => ({
    pk: `page#${feed}#${segment}`,
    sk: padded(first),
  }),
  pagesOfSegment: (feed: string, segment: Segment) => `page#${feed}#${segment}`,
  head: (feed: string) => ({ pk: "head", sk: feed }),
  heads: "head",
  reference: (feed: string, segment: Segment, shard: number) => ({
    pk: `reference#${feed}`,
    sk: `${padded(segment)}#${shard}`,
  }),
  references: (feed: string) => `reference#${feed}`,
  cursor: (feed: string, session: string) => ({
    pk: `${feed}#${shardOf(session, CURSOR_SHARDS)}`,
    sk: session,
  }),
  cursorShard: (feed: string, shard: number) => `${feed}#${shard}`,
  session: (session: string) => ({ pk: session }),
} as const;

/** Partition keys of the Queue table's items as IAM matches them (`dynamodb:LeadingKeys`). */
export const keyPatterns = { pages: "page#*", heads: keys.heads, references: "reference#*" } as const;
