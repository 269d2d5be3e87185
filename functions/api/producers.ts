import { remembered } from "../../shared/queue/producerArchive.ts";
import { firstKnown, type ProducerTrail, SQS_PRODUCER_PREFIX } from "../../shared/queue/producers.ts";
import { requireTail } from "./feeds.ts";
import type { ApiParts } from "./parts.ts";
import type { ProducerView } from "./schemas/feeds.ts";

/** Far below the limit of a response: each producer has less than 1 KB. */
const MOST_PRODUCERS = 1000;

/** The named producers of a feed: those on its last page, and those in the archive. */
export async function listProducers(
  parts: ApiParts,
  feed: string,
): Promise<{ feed: string; producers: ProducerView[] }> {
  // The tail first: a trail that a page dropped in between is then in the archive.
  const { lastPage } = await requireTail(parts, feed);
  const archived = remembered(await parts.archives.readArchives(feed), parts.clock.nowEpochMillis());
  const named = (lastPage?.producers ?? []).filter(({ id }) => !id.startsWith(SQS_PRODUCER_PREFIX));
  const all = new Map([...archived, ...named.map((trail) => [trail.id, trail] as const)]);
  const newestFirst = [...all.values()].sort((a, b) => b.lastSeenEpochMillis - a.lastSeenEpochMillis);
  return { feed, producers: newestFirst.slice(0, MOST_PRODUCERS).map(viewProducer) };
}

function viewProducer(trail: ProducerTrail): ProducerView {
  const { id, next, gaps = [], lastSeenEpochMillis, key } = trail;
  return {
    producer: id,
    start: firstKnown(trail),
    next,
    gaps: gaps.map(([first, last]) => ({ first, last })),
    lastSeen: new Date(lastSeenEpochMillis).toISOString(),
    key: key ?? null,
  };
}
