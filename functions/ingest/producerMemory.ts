import type { StoredPage } from "../../shared/queue/page.ts";
import {
  ARCHIVED_MILLIS,
  dropped,
  merged,
  type ProducerArchive,
  remembered,
} from "../../shared/queue/producerArchive.ts";
import { SQS_PRODUCER_PREFIX } from "../../shared/queue/producers.ts";
import type { Progress } from "./appendPlan.ts";
import type { WriterTail } from "./writerTail.ts";

/** The archive of producers that the pages have dropped. Why each step is where it is: shared/queue/producerArchive.ts. */
export interface ProducerMemory {
  /** All archives of a feed, strongly consistent. */
  readArchives(feed: string): Promise<ProducerArchive[]>;
  /** Writes the archive if the stored one has the version before. Returns whether it did. */
  putArchive(feed: string, archive: ProducerArchive, expiresAtEpochSeconds: number): Promise<boolean>;
}

/**
 * Adds the archive to the tail when a producer sends that the tail does not know. The read comes after the read of the
 * tail. Producers that the tail knows cost no read.
 */
export async function recall(
  memory: ProducerMemory,
  tail: WriterTail,
  work: readonly Progress[],
  nowEpochMillis: number,
): Promise<WriterTail> {
  const isNew = ({ submission: { producer, events }, offset }: Progress) =>
    producer !== undefined &&
    offset < events.length &&
    !producer.id.startsWith(SQS_PRODUCER_PREFIX) &&
    !tail.producers.some(({ id }) => id === producer.id);
  if (!work.some(isNew)) return tail;
  return { ...tail, archived: remembered(await memory.readArchives(tail.feed), nowEpochMillis) };
}

/** Archives the trails that `page` drops. Must be done before the page is put. Gives up when the deadline has passed. */
export async function archiveDropped(
  memory: ProducerMemory,
  { feed, producers }: Pick<WriterTail, "feed" | "producers">,
  page: Pick<StoredPage, "producers" | "appendedAtEpochMillis">,
  deadline: AbortSignal,
): Promise<void> {
  const nowEpochMillis = page.appendedAtEpochMillis;
  const expiresAtEpochSeconds = Math.ceil((nowEpochMillis + ARCHIVED_MILLIS) / 1000);
  for (const [key, trails] of dropped(producers, page.producers)) {
    let isDone = false;
    while (!isDone && !deadline.aborted) {
      const archives = await memory.readArchives(feed);
      const archive = archives.find((each) => each.key === key) ?? { key, trails: [], version: 0 };
      const changed = merged(archive, trails, nowEpochMillis);
      isDone = changed === undefined || (await memory.putArchive(feed, changed, expiresAtEpochSeconds));
    }
  }
}
