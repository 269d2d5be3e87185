import * as deployed from "./deployed.ts";
import { MOST_REQUESTS_PER_SECOND, measurement, type PerPage, perPage } from "./measured.ts";

/*
 * Notify and deliver with cursor groups (docs/decisions/0017-cursor-groups.md). They are calculated as long as the bench
 * counts rows of single sessions (`sessionsPerRow` in tools/bench/requests.json). A group is taken, held, woken and
 * crossed as a single row is, so most of its usage is what was counted for as many rows. What differs is named here.
 */

export const SESSIONS_PER_GROUP = 32;

/** Whether the figures of notify and deliver are calculated, and not counted. */
export const areGroupsCalculated = measurement.sessionsPerRow < SESSIONS_PER_GROUP;

/** A session joins the fullest group with room. */
export function groupsOf(sessions: number): number {
  return Math.ceil(sessions / SESSIONS_PER_GROUP);
}

/** Of a full group, with a batch in flight for each session: the table in decision 0017. */
const GROUP_ROW_BYTES = 888;

/** Notify queries one partition with all groups of a feed, where it queries four shards of single rows. */
const SHARDS_NOT_QUERIED = 3;

/** Three items in a transaction, two units each. */
const CROSSING_UNITS = 6;

/** DynamoDB's unit of a strongly consistent read. */
const READ_UNIT_BYTES = 4096;

/**
 * CPU of the bench machine for one signed POST of 50 events over plain HTTP, 27 November 2026: 5,000 of them through
 * `createWebhookClient`, 32 at a time. With gzip it is 0.18. A group's requests share one process, so with very many
 * sessions CPU sets the time, and not the waiting.
 */
export const POST_CPU_MILLIS = 0.5;

/** Lambda gives a function a core at 1,769 MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const DELIVER_CORES = deployed.memoryMebibytes.deliver / 1769;

/** What notify or deliver uses for one page. @param pagesPerSegment pages between two crossings of a cursor */
export function perPageOfSessions(
  name: "notify" | "deliver",
  load: { readonly pagesPerSecond: number; readonly sessions: number; readonly pagesPerSegment: number },
): PerPage {
  const { pagesPerSecond, sessions, pagesPerSegment } = load;
  if (!areGroupsCalculated) return perPage(name, pagesPerSecond, sessions);
  const groups = groupsOf(sessions);
  const rows = perPage(name, pagesPerSecond, groups);
  if (name === "notify") {
    const listed = Math.ceil((groups * GROUP_ROW_BYTES) / READ_UNIT_BYTES);
    return { ...rows, readUnits: Math.max(2, rows.readUnits - SHARDS_NOT_QUERIED) + listed - 1 };
  }
  // A session that gets more pages than it can send requests for sends several together.
  const rounds = Math.min(1, MOST_REQUESTS_PER_SECOND / pagesPerSecond);
  const turnsPerGroup = rows.records / groups;
  const cpuSeconds = (sessions * rounds * POST_CPU_MILLIS) / 1000 / DELIVER_CORES;
  return {
    ...rows,
    seconds: Math.max(rows.seconds, cpuSeconds),
    // One write carries all sessions' progress and plans; parking is another one, and taking plans the first page.
    writeUnits: groups * (rounds + turnsPerGroup + CROSSING_UNITS / pagesPerSegment),
    // Each turn reads what its sessions are configured with. One of them was counted.
    readUnits: rows.readUnits + (sessions - groups) * turnsPerGroup,
  };
}
