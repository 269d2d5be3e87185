import { createHash } from "node:crypto";
import type { Segment, Sequence } from "../queue/sequence.ts";

/** Item keys of all tables, in one place. Numbers are padded, so that they sort in numeric order as text. */

const DIGITS = 16;

export function padded(number: number): string {
  return String(number).padStart(DIGITS, "0");
}

/** The cursors of a feed are spread over this many partitions. Listing all cursors queries each partition. */
export const CURSOR_SHARDS = 4;

/** A segment's reference count is the sum of this many items, so that many sessions can cross at once. */
export const REFERENCE_SHARDS = 8;

export function shardOf(sessionId: string, shards: number): number {
  return hashOf(sessionId) % shards;
}

/** A number of a feed by which what feeds do periodically is spread over time. */
export function phaseOf(feed: string): number {
  return hashOf(feed);
}

function hashOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0);
}

/** One partition: with 32 cursors in a row, it has less to do than each of the cursors' partitions. */
function groupsOf(feed: string): string {
  // Three parts: that of a single cursor of a feed named "group" has two.
  return `group#${feed}#cursors`;
}

/** The end of the sort key of a group's interest. Group ids contain no "#". */
const INTEREST = "#interest";

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
  producers: (feed: string, owner: string) => ({ pk: `producer#${feed}`, sk: owner }),
  producersOfFeed: (feed: string) => `producer#${feed}`,
  cursor: (feed: string, sessionId: string) => ({
    pk: `${feed}#${shardOf(sessionId, CURSOR_SHARDS)}`,
    sk: sessionId,
  }),
  cursorShard: (feed: string, shard: number) => `${feed}#${shard}`,
  group: (feed: string, group: string) => ({ pk: groupsOf(feed), sk: group }),
  groups: groupsOf,
  /** Beside the group, so that the query that lists groups finds it. */
  groupInterest: (feed: string, group: string) => ({ pk: groupsOf(feed), sk: `${group}${INTEREST}` }),
  lastError: (feed: string, sessionId: string) => ({ pk: `group#${feed}#errors`, sk: sessionId }),
  session: (sessionId: string) => ({ pk: sessionId }),
  /** The item that reserves a username for one session. Session ids contain no "#". */
  username: (key: string) => ({ pk: `username#${key}` }),
  accessKey: (id: string) => ({ pk: "key", sk: id }),
  accessKeys: "key",
  keyUse: (id: string) => ({ pk: "use", sk: id }),
  keyUses: "use",
  /** In order of time. The id keeps two of the same millisecond apart. */
  attempts: (sessionId: string, atEpochMillis: number, id: string) => ({
    pk: sessionId,
    sk: `${padded(atEpochMillis)}#${id}`,
  }),
  attemptsOf: (sessionId: string) => sessionId,
} as const;

/** Whether an item of the groups' partition is a group's interest; otherwise it is a group. */
export function isGroupInterest({ sk }: { readonly sk?: unknown }): boolean {
  return String(sk).endsWith(INTEREST);
}

/** Partition keys of the items of tables with several kinds, as IAM matches them (`dynamodb:LeadingKeys`). */
export const keyPatterns = {
  pages: "page#*",
  heads: keys.heads,
  references: "reference#*",
  producers: "producer#*",
  accessKeys: keys.accessKeys,
  keyUses: keys.keyUses,
} as const;
