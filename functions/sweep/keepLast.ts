import { expiryOf } from "../../shared/queue/pageExpiry.ts";
import { segmentOf } from "../../shared/queue/sequence.ts";
import type { FoundTail } from "../../shared/queue/tail.ts";
import type { SweepParts } from "./parts.ts";

/** A feed without an append for so long has gone quiet. A busy one costs no write. */
export const QUIET_MILLIS = 86_400_000;

/**
 * Lets the last page of a quiet feed expire later than others. It holds the positions of the feed's producers, and a
 * producer that comes back must be recognised (shared/queue/producerArchive.ts).
 */
export async function keepLastPage(
  { pages, clock, settings }: Pick<SweepParts, "pages" | "clock" | "settings">,
  { feed, segmentSize, lastPage }: FoundTail,
): Promise<void> {
  const { lastPageTtlMillis } = settings;
  if (lastPage === undefined) return;
  const { first, appendedAtEpochMillis, expiresAtEpochSeconds } = lastPage;
  const isQuiet = clock.nowEpochMillis() - appendedAtEpochMillis > QUIET_MILLIS;
  const wanted = expiryOf(appendedAtEpochMillis, lastPageTtlMillis);
  if (!isQuiet || (expiresAtEpochSeconds ?? Number.POSITIVE_INFINITY) >= wanted) return;
  await pages.changeExpiry(feed, segmentOf(first, segmentSize), first, wanted);
}
