import type { TailSource } from "../queue/tail.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Environment, requireVariable } from "../runtime/settings.ts";
import type { AwsClients } from "./clients.ts";
import { HeadStore } from "./heads.ts";
import { NotifySender } from "./notifySender.ts";
import { PageStore } from "./pages.ts";
import { ProducerArchiveStore } from "./producerArchives.ts";
import { queues, tables } from "./resources.ts";

/*
 * Stores that know nothing of sessions. Ingest loads this file and never openSessions.ts, so that its cost and its
 * failures cannot depend on sessions (test/architecture.test.ts).
 */

export interface QueueStores {
  readonly heads: HeadStore;
  readonly pages: PageStore;
  readonly tails: TailSource;
  readonly archives: ProducerArchiveStore;
}

/** A feed's head and pages in the Queue table. */
export function openQueue(
  environment: Environment,
  { documents }: Pick<AwsClients, "documents">,
  clock: Clock,
): QueueStores {
  const table = requireVariable(environment, tables.queue.variable);
  const heads = new HeadStore(documents, table);
  const pages = new PageStore(documents, table, clock);
  const archives = new ProducerArchiveStore(documents, table);
  return { heads, pages, tails: createTailSource(heads, pages), archives };
}

/** The reads and writes of an append. */
export function openAppendStore(
  environment: Environment,
  clients: Pick<AwsClients, "documents">,
  clock: Clock,
) {
  const { heads, pages, tails, archives } = openQueue(environment, clients, clock);
  return {
    ...tails,
    createFeed: (feed: string, segmentSize: number) => heads.createFeed(feed, segmentSize),
    readPageAt: (...at: Parameters<PageStore["readPageAt"]>) => pages.readPageAt(...at),
    readPageBefore: (...before: Parameters<PageStore["readPageBefore"]>) => pages.readPageBefore(...before),
    putPage: (...put: Parameters<PageStore["putPage"]>) => pages.putPage(...put),
    readArchives: (feed: string) => archives.readArchives(feed),
    putArchive: (...put: Parameters<ProducerArchiveStore["putArchive"]>) => archives.putArchive(...put),
  };
}

/** The two reads that find a feed's tail. */
export function createTailSource(heads: HeadStore, pages: PageStore): TailSource {
  return {
    readHead: (feed) => heads.readHead(feed),
    readLastPage: (feed, segment) => pages.readLastPage(feed, segment),
  };
}

/** Sends notify hints. */
export function openNotifyQueue(environment: Environment, { sqs }: Pick<AwsClients, "sqs">): NotifySender {
  return new NotifySender(sqs, requireVariable(environment, queues.notify.variable));
}
