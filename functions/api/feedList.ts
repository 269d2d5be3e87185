import { type Caller, coversFeed } from "../../shared/access/caller.ts";
import { SQS_PRODUCER_PREFIX } from "../../shared/queue/producers.ts";
import { firstOfSegment } from "../../shared/queue/sequence.ts";
import { type FeedHead, firstHeld, readTail, type TailSource } from "../../shared/queue/tail.ts";
import type { ApiParts } from "./parts.ts";
import type { FeedSummary } from "./schemas/feeds.ts";
import { countSessions } from "./sessionCounts.ts";

/**
 * One page of feeds: those that the caller's key covers. A page may have fewer than `limit`, or none, and go on. Each feed
 * costs about four reads: its last page, its reference counts, and its groups twice. How far each session lags is in the list of
 * sessions.
 */
export async function listFeeds(
  parts: ApiParts,
  { limit, after }: { limit: number; after?: string | undefined },
  caller: Caller,
): Promise<{ feeds: FeedSummary[]; after?: string }> {
  const { heads, last } = await parts.heads.listSomeHeads(limit, after);
  const covered = heads.filter(({ feed }) => coversFeed(caller, feed));
  const feeds = await Promise.all(covered.map((head) => summarise(parts, head)));
  return { feeds: feeds.flat(), ...(last === undefined ? {} : { after: last }) };
}

async function summarise(parts: ApiParts, head: FeedHead): Promise<FeedSummary[]> {
  const { feed } = head;
  const [tail, counts] = await Promise.all([
    readTail(beginningWith(head, parts.tails), feed, () => parts.clock.nowEpochMillis()),
    countSessions(parts, feed),
  ]);
  if (tail === undefined) return [];
  const { next, segmentSize, lastAppendedAtEpochMillis, lastPage } = tail;
  const lowest = Math.min(...counts.keys());
  return [
    {
      feed,
      head: firstHeld(tail),
      tail: next - 1,
      lastAppend: lastAppendedAtEpochMillis === 0 ? null : new Date(lastAppendedAtEpochMillis).toISOString(),
      sessions: [...counts.values()].reduce((sum, count) => sum + count, 0),
      lagMessagesAtMost: counts.size === 0 ? 0 : Math.max(0, next - firstOfSegment(lowest, segmentSize)),
      producers: (lastPage?.producers ?? []).filter(({ id }) => !id.startsWith(SQS_PRODUCER_PREFIX)).length,
    },
  ];
}

/** The head was just read with the list, so the search for the tail need not read it again at once. */
function beginningWith(head: FeedHead, tails: TailSource): TailSource {
  let known: FeedHead | undefined = head;
  return {
    readHead: async (feed) => {
      const first = known ?? (await tails.readHead(feed));
      known = undefined;
      return first;
    },
    readLastPage: (feed, segment) => tails.readLastPage(feed, segment),
  };
}
