import type { Load } from "./load.ts";
import { relayBill } from "./relay.ts";

/** A quiet feed, whose cost depends on how many events share a page. */
export interface QuietFeed {
  readonly name: string;
  readonly pagesPerSecond: number;
  readonly usd: number;
}

const EVENTS_PER_SECOND = 5;
const GATHER_SECONDS = 1;

/** The same quiet feed with a page for each event, and with pages that fill for a second. */
export function quietFeeds(load: Load): QuietFeed[] {
  const quiet = { ...load, eventsPerSecond: EVENTS_PER_SECOND, ami: undefined };
  const filled = { ...quiet, eventsPerPage: EVENTS_PER_SECOND * GATHER_SECONDS };
  const feed = (name: string, of: Load): QuietFeed => ({
    name,
    pagesPerSecond: of.eventsPerSecond / of.eventsPerPage,
    usd: relayBill(of).reduce((sum, { usd }) => sum + usd, 0),
  });
  return [
    feed("each event appended by itself", { ...quiet, eventsPerPage: 1 }),
    feed("its producer gathers for a second", filled),
    feed("ingest gathers for a second, from the FIFO queue", { ...filled, gatherSeconds: GATHER_SECONDS }),
  ];
}
