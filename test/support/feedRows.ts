import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { GroupStore } from "../../shared/aws/cursorGroups.ts";
import { CursorStore } from "../../shared/aws/cursors.ts";
import { HeadStore } from "../../shared/aws/heads.ts";
import { createTailSource } from "../../shared/aws/openQueue.ts";
import { PageStore } from "../../shared/aws/pages.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { cursorsOf } from "../../shared/groups/membership.ts";
import type { StoredPage } from "../../shared/queue/page.ts";
import { decodePage } from "../../shared/queue/pageCodec.ts";
import type { Expiring } from "../../shared/queue/pageExpiry.ts";
import { readTail, tailSegment } from "../../shared/queue/tail.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { eventText, type FeedRows, keptMillisOf } from "./witnessed.ts";

/** Reads a feed's rows from real tables. No function should run at the same time. */
export async function readFeedRows(
  documents: DynamoDBDocumentClient,
  tableNames: { readonly queue: string; readonly cursors: string },
  feed: string,
): Promise<FeedRows> {
  const references = new ReferenceStore(documents, tableNames.queue, systemClock);
  const cursors = new CursorStore(documents, tableNames.cursors, references, () => "", systemClock);
  const heads = new HeadStore(documents, tableNames.queue);
  const pageStore = new PageStore(documents, tableNames.queue, systemClock);
  const head = await heads.readHead(feed);
  const tail = await readTail(createTailSource(heads, pageStore), feed, () => 0);
  if (head === undefined || tail === undefined) throw new Error(`there is no feed ${feed}`);
  const pages: FeedRows["pages"][number][] = [];
  // Includes freed segments and the segment after the tail, which must be empty.
  for (let segment = 0; segment <= tailSegment(tail) + 1; segment += 1)
    for (const page of await pagesOf(pageStore, feed, segment))
      pages.push({
        first: page.first,
        segment,
        events: eventsOf(feed, page),
        keptMillis: keptMillisOf(page),
      });
  const singles = await cursors.listCursors(feed);
  const groupStore = new GroupStore(documents, tableNames.cursors, references, systemClock);
  const groups = (await groupStore.listGroups(feed)).groups.map(({ group }) => group);
  return {
    head,
    pages,
    cursors: [
      ...singles,
      ...groups.flatMap((group) => cursorsOf(group).map((cursor) => ({ ...cursor, segment: group.segment }))),
    ],
    counted: [...singles, ...groups],
    counts: await references.counts(feed),
  };
}

async function pagesOf(store: PageStore, feed: string, segment: number) {
  const listed = new Map((await store.listPages(feed, segment)).map((page) => [page.first, page]));
  const pages: (StoredPage & Expiring)[] = [];
  for (let next = 0; ; ) {
    const some = await store.readPagesFrom(feed, segment, next);
    pages.push(...some.map((page) => ({ ...listed.get(page.first), ...page })));
    const last = some.at(-1);
    if (last === undefined) return pages;
    next = last.first + 1;
  }
}

export function eventsOf(feed: string, page: StoredPage): string[] {
  return decodePage(feed, page).messages.map(({ type, text, ami }) =>
    type === undefined && ami !== undefined ? ami.text : eventText(JSON.parse(text).event),
  );
}
