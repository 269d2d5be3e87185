import { beforeEach, describe, expect, it, vi } from "vitest";
import { auditReferences } from "../../../functions/sweep/audit.ts";
import { retentionFloor } from "../../../functions/sweep/evict.ts";
import { freeSegments } from "../../../functions/sweep/free.ts";
import { keepLastPage, QUIET_MILLIS } from "../../../functions/sweep/keepLast.ts";
import type { SweepParts } from "../../../functions/sweep/parts.ts";
import { type FeedReport, sweep } from "../../../functions/sweep/sweep.ts";
import { TransactionRefusedError } from "../../../shared/errors.ts";
import type { UnreadableGroup } from "../../../shared/groups/unreadable.ts";
import { expiryOf } from "../../../shared/queue/pageExpiry.ts";
import { type FoundTail, readTail, type Tail } from "../../../shared/queue/tail.ts";
import type { Cursor, CursorChange } from "../../../shared/sessions/cursor.ts";
import { FEED, MemoryRelay, openGate } from "../../support/memoryRelay.ts";
import { RecordedMetrics } from "../../support/recordedMetrics.ts";
import { storedPage } from "../queue/samples.ts";

const GRACE = 10_000;
const RETENTION = 100_000;
const PAGE_TTL = 200_000;
const LAST_PAGE_TTL = 100 * 86_400_000;

/** Segments of 10 numbers and pages of 5: segment k holds the numbers 10k + 1 … 10k + 10. */
let relay: MemoryRelay;
let metrics: RecordedMetrics;
let logged: { level: string; message: string; facts: unknown }[];
let parts: SweepParts;

beforeEach(() => {
  relay = new MemoryRelay(10);
  logged = [];
  metrics = new RecordedMetrics();
  const record = (level: string) => (message: string, facts?: unknown) =>
    void logged.push({ level, message, facts });
  parts = {
    ...relay.sweepStores(),
    tails: relay.tailSource(openGate),
    cursors: relay.cursorStore(openGate),
    wakes: relay.wakeSender(openGate),
    clock: relay.clock,
    metrics,
    log: { info: record("info"), warn: record("warn"), error: record("error") },
    settings: {
      freeGraceMillis: GRACE,
      freeing: "at-once",
      pageTtlMillis: LAST_PAGE_TTL,
      lastPageTtlMillis: LAST_PAGE_TTL,
      retentionMillis: RETENTION,
      retentionMessages: 1000,
      hintGraceMillis: 5_000,
      cursorGroups: false,
    },
  };
});

/** Appends pages of five messages, one second apart. */
function append(pages: number): void {
  for (let count = 0; count < pages; count += 1) {
    const first = relay.tail() + 1;
    relay.nowEpochMillis += 1_000;
    relay.pages.set(first, storedPage(first, 5, { appendedAtEpochMillis: relay.nowEpochMillis }));
  }
}

async function tailNow(): Promise<Tail> {
  return foundTail();
}

async function foundTail(): Promise<FoundTail> {
  const tail = await readTail(parts.tails, FEED, () => relay.nowEpochMillis);
  if (tail === undefined) throw new Error("the feed is not there");
  return tail;
}

/** Creates the session's row and reference at the given place. */
function stand(sessionId: string, next: number, facts: Partial<Cursor> = {}): void {
  if (!relay.cursors.has(sessionId)) relay.addSession(sessionId);
  const cursor = cursorOf(sessionId);
  const segment = Math.floor((next - 1) / 10);
  relay.moveReference(cursor, segment);
  relay.cursors.set(sessionId, { ...cursor, next, segment, ...facts });
}

function cursorOf(sessionId: string): Cursor {
  const cursor = relay.cursors.get(sessionId);
  if (cursor === undefined) throw new Error(`no session ${sessionId}`);
  return cursor;
}

async function sweepOnce(changed: Partial<SweepParts> = {}): Promise<FeedReport | undefined> {
  return (await sweep({ ...parts, ...changed }))[0];
}

const heldNumbers = () => [...relay.pages.keys()];

describe("a session that the sweep lets cross", () => {
  it("gets a wake, because a deliver that was about to take its row failed; at the tail it is not marked", async () => {
    append(4);
    stand("behind", 15, { changedAtEpochMillis: relay.nowEpochMillis });
    stand("at-the-tail", 21, { changedAtEpochMillis: relay.nowEpochMillis });
    for (const session of ["behind", "at-the-tail"]) {
      const { segment } = cursorOf(session);
      relay.moveReference(cursorOf(session), 0);
      relay.cursors.set(session, { ...cursorOf(session), segment: 0 });
      expect(segment).toBeGreaterThan(0);
    }
    expect(await sweepOnce()).toMatchObject({ crossed: 2, woken: 2 });
    expect(relay.wakes.map(({ hint }) => hint.session).sort()).toEqual(["at-the-tail", "behind"]);
    expect(cursorOf("behind")).toMatchObject({ state: "signalled", segment: 1 });
    // If the wake finds nothing to read before the mark is written, the mark would hide the next page.
    expect(cursorOf("at-the-tail")).toMatchObject({ state: "parked", segment: 2 });
  });
});

describe("a session beyond the tail, because the queue was restored to an earlier time", () => {
  it("is suspended, so that it cannot silently miss messages with reassigned numbers", async () => {
    append(2);
    stand("restored", 14);
    await sweepOnce();
    expect(cursorOf("restored")).toMatchObject({
      state: "suspended",
      next: 14,
      lastError: { reason: "queue.rewound" },
    });
    expect(logged).toContainEqual(
      expect.objectContaining({
        level: "error",
        facts: { feed: FEED, session: "restored", next: 14, tail: 10 },
      }),
    );
  });

  it("is left alone when it only passed a page that was appended after the sweep read the tail", async () => {
    append(2);
    const readLastPage = parts.tails.readLastPage;
    let reads = 0;
    const tails: SweepParts["tails"] = {
      ...parts.tails,
      readLastPage: async (feed, segment) => {
        const last = await readLastPage(feed, segment);
        reads += 1;
        if (reads === 2) {
          append(1);
          stand("reader", 16);
        }
        return last;
      },
    };
    stand("reader", 11);
    await sweepOnce({ tails });
    expect(cursorOf("reader")).toMatchObject({ next: 16, state: "parked" });
  });
});

describe("an AMI user", () => {
  const OLD = { kind: "ami", changedAtEpochMillis: 0 } as const;

  it("is never woken, whatever its row looks like", async () => {
    append(4);
    const leaseUntilEpochMillis = relay.nowEpochMillis - 1;
    stand("away", 1, OLD);
    stand("crashed", 1, { ...OLD, state: "active", leaseUntilEpochMillis });
    stand("evicted", 11, { ...OLD, gap: { first: 1, last: 10, reason: "retention" } });
    const before = new Map(relay.cursors);
    expect(await sweepOnce()).toMatchObject({ woken: 0, repaired: 0, countDifferences: 0 });
    expect(relay.wakes).toEqual([]);
    expect(relay.cursors).toEqual(before);
  });

  it("keeps its segment from being freed, at rest or held", async () => {
    append(8);
    relay.nowEpochMillis += 2 * GRACE;
    stand("away", 12, OLD);
    stand("held", 25, { ...OLD, state: "active", leaseUntilEpochMillis: relay.nowEpochMillis + 60_000 });
    expect(await sweepOnce()).toMatchObject({ freedSegments: 1, evicted: 0 });
    expect(heldNumbers()[0]).toBe(11);
  });

  it("is moved forward beyond the retention, held or not, and is told the gap when it is there again", async () => {
    append(10);
    relay.nowEpochMillis += RETENTION;
    append(2);
    const lease = { state: "active", leaseUntilEpochMillis: relay.nowEpochMillis + 60_000 } as const;
    stand("away", 3, OLD);
    stand("slow", 7, { ...OLD, ...lease });
    expect(await sweepOnce()).toMatchObject({ evicted: 2, woken: 0 });
    const gap = { last: 50, reason: "retention" };
    expect(cursorOf("away")).toMatchObject({
      state: "parked",
      next: 51,
      fence: 2,
      gap: { first: 3, ...gap },
    });
    expect(cursorOf("slow")).toMatchObject({
      state: "parked",
      next: 51,
      fence: 2,
      gap: { first: 7, ...gap },
    });
  });

  it("crosses at rest when a conflict kept its connection from crossing", async () => {
    append(4);
    stand("away", 15, OLD);
    relay.moveReference(cursorOf("away"), 0);
    relay.cursors.set("away", { ...cursorOf("away"), segment: 0 });
    expect(await sweepOnce()).toMatchObject({ crossed: 1, woken: 0, countDifferences: 0 });
    expect(cursorOf("away")).toMatchObject({ state: "parked", segment: 1 });
  });

  it("is suspended beyond the tail, as others are", async () => {
    append(2);
    stand("restored", 14, OLD);
    await sweepOnce();
    expect(cursorOf("restored")).toMatchObject({
      state: "suspended",
      lastError: { reason: "queue.rewound" },
    });
  });
});

describe("a group that cannot be read", () => {
  const groups = (reference: UnreadableGroup["reference"]): Partial<SweepParts> => ({
    groups: {
      ...parts.groups,
      listGroups: async () => ({
        groups: [],
        unreadable: [{ feed: FEED, group: "grp_1", reason: "its version is 9", reference }],
      }),
    },
  });

  it("is reported, and counts as a suspended session", async () => {
    append(4);
    stand("reader", 15);
    await sweepOnce(groups({ segment: 0, segmentSize: 10 }));
    expect(metrics.sums()).toMatchObject({ SuspendedSessions: 1, SlowestSessionLagMessages: 6 });
    expect(logged[0]).toEqual({
      level: "error",
      message: "a group cannot be read; its sessions get nothing until it is repaired",
      facts: {
        feed: FEED,
        group: "grp_1",
        reason: "its version is 9",
        reference: { segment: 0, segmentSize: 10 },
      },
    });
  });

  it("keeps its segment although its count is gone, and everything when nobody knows its segment", async () => {
    append(8);
    relay.nowEpochMillis += 2 * GRACE;
    expect(await sweepOnce(groups(undefined))).toMatchObject({ freedSegments: 0 });
    expect(await sweepOnce(groups({ segment: 1, segmentSize: 10 }))).toMatchObject({ freedSegments: 1 });
    expect(heldNumbers()[0]).toBe(11);
    expect(await sweepOnce()).toMatchObject({ freedSegments: 2 });
  });
});

describe("freeSegments", () => {
  it("frees segments up to the first one in which a cursor stands", async () => {
    append(8);
    relay.nowEpochMillis += GRACE;
    stand("reader", 25);
    expect(await freeSegments(parts, relay.head, await tailNow())).toEqual({
      freedSegments: 2,
      deletedPages: 4,
    });
    expect(heldNumbers()).toEqual([21, 26, 31, 36]);
    expect(relay.head).toMatchObject({ headSegment: 2, clearedSegment: 2 });
  });

  it("never frees the tail's segment, full or not", async () => {
    append(4);
    relay.nowEpochMillis += 2 * GRACE;
    expect(await freeSegments(parts, relay.head, await tailNow())).toEqual({
      freedSegments: 1,
      deletedPages: 2,
    });
    expect(heldNumbers()).toEqual([11, 16]);
  });

  it("waits until the segment's last page is older than the grace", async () => {
    append(3);
    const lastOfFirstSegment = relay.pages.get(6)?.appendedAtEpochMillis ?? 0;
    relay.nowEpochMillis = lastOfFirstSegment + GRACE;
    expect(await freeSegments(parts, relay.head, await tailNow())).toMatchObject({ freedSegments: 0 });
    relay.nowEpochMillis += 1;
    expect(await freeSegments(parts, relay.head, await tailNow())).toMatchObject({ freedSegments: 1 });
  });

  it("deletes the pages that a crash left behind a moved head", async () => {
    append(6);
    relay.nowEpochMillis += GRACE;
    const dies = { ...parts.pages, deletePages: () => Promise.reject(new Error("the process died")) };
    await expect(freeSegments({ ...parts, pages: dies }, relay.head, await tailNow())).rejects.toThrow(
      "died",
    );
    expect(relay.head).toMatchObject({ headSegment: 2, clearedSegment: 0 });
    expect(await freeSegments(parts, relay.head, await tailNow())).toEqual({
      freedSegments: 0,
      deletedPages: 4,
    });
    expect(heldNumbers()).toEqual([21, 26]);
  });

  it("continues past a segment whose pages have expired", async () => {
    append(6);
    relay.nowEpochMillis += GRACE;
    relay.pages.delete(1);
    relay.pages.delete(6);
    relay.head = { ...relay.head, tailHint: 26 };
    expect(await freeSegments(parts, relay.head, await tailNow())).toEqual({
      freedSegments: 2,
      deletedPages: 2,
    });
  });
});

describe("retentionFloor", () => {
  it("is the first page within the retention", async () => {
    append(6);
    const fourthPage = relay.pages.get(16)?.appendedAtEpochMillis ?? 0;
    relay.nowEpochMillis = fourthPage + RETENTION;
    expect(await retentionFloor(parts, await tailNow(), 1)).toBe(16);
    relay.nowEpochMillis += 1;
    expect(await retentionFloor(parts, await tailNow(), 1)).toBe(21);
  });

  it("lists no pages while the slowest session's page is young", async () => {
    append(6);
    const listPages = vi.fn(parts.pages.listPages);
    const listing = { ...parts, pages: { ...parts.pages, listPages } };
    expect(await retentionFloor(listing, await tailNow(), 14)).toBe(14);
    expect(listPages).not.toHaveBeenCalled();
    relay.nowEpochMillis += RETENTION;
    expect(await retentionFloor(listing, await tailNow(), 14)).toBe(26);
    expect(listPages).toHaveBeenCalled();
  });

  it("is the tail's next number when all pages are too old", async () => {
    append(3);
    relay.nowEpochMillis += 2 * RETENTION;
    expect(await retentionFloor(parts, await tailNow(), 1)).toBe(16);
  });

  it("is the limit in messages when that is stricter", async () => {
    append(6);
    const settings = { ...parts.settings, retentionMessages: 7 };
    expect(await retentionFloor({ ...parts, settings }, await tailNow(), 1)).toBe(31 - 7);
  });
});

describe("auditReferences", () => {
  beforeEach(() => stand("reader", 15));

  it("finds nothing when the counts match the cursors", async () => {
    expect(await auditReferences(parts, FEED)).toEqual([]);
  });

  it.each([
    ["too many", [[1, 2]], [{ segment: 1, counted: 2, cursors: 1 }]],
    [
      "one in the wrong segment",
      [[7, 1]],
      [
        { segment: 1, counted: 0, cursors: 1 },
        { segment: 7, counted: 1, cursors: 0 },
      ],
    ],
  ])("finds %s", async (_what, counts, expected) => {
    relay.counts.clear();
    for (const [segment = 0, count = 0] of counts) relay.counts.set(segment, count);
    expect(await auditReferences(parts, FEED)).toEqual(expected);
    const report = await sweepOnce();
    expect(report).toMatchObject({ countDifferences: expected.length });
    expect(metrics.sums()).toMatchObject({ AuditDifferences: expected.length });
    expect(logged).toContainEqual({
      level: "error",
      message: "reference counts do not match the cursors",
      facts: { feed: FEED, differences: expected },
    });
  });

  it("does not report a session that crosses between two reads as a difference", async () => {
    const answers = [new Map([[2, 1]]), new Map([[1, 1]])];
    const references = { ...parts.references, counts: async () => answers.shift() ?? new Map() };
    expect(await auditReferences({ ...parts, references }, FEED)).toEqual([]);
    expect(answers).toEqual([]);
  });
});

describe("sweep", () => {
  it("writes the tail hint", async () => {
    append(3);
    await sweepOnce();
    expect(relay.head.tailHint).toBe(15);
  });

  it("wakes a session whose hint was lost, then marks it", async () => {
    append(1);
    stand("late", 1);
    expect(await sweepOnce()).toMatchObject({ woken: 0 });
    relay.nowEpochMillis += 5_000;
    expect(await sweepOnce()).toMatchObject({ woken: 1 });
    expect(relay.wakes.map(({ hint }) => hint)).toEqual([{ feed: FEED, session: "late" }]);
    expect(metrics.sums()).toMatchObject({ RepairedWakes: 1 });
    expect(cursorOf("late").state).toBe("signalled");
  });

  it("wakes a session whose wake was lost after the mark, and counts the re-send", async () => {
    append(1);
    stand("late", 1, { state: "signalled" });
    relay.nowEpochMillis += 5_000;
    const row = cursorOf("late");
    expect(await sweepOnce()).toMatchObject({ woken: 1 });
    expect(relay.wakes).toHaveLength(1);
    expect(cursorOf("late")).toEqual({
      ...row,
      wakesRepeated: 1,
      changedAtEpochMillis: relay.nowEpochMillis,
    });
  });

  it.each(["parked", "active", "signalled"] as const)(
    "evicts a lagging session that is %s, reports the gap at once, and frees the segments that it held",
    async (state) => {
      append(6);
      stand("lagging", 3, { state, fence: 7, leaseUntilEpochMillis: relay.nowEpochMillis + 20_000 });
      relay.nowEpochMillis = (relay.pages.get(26)?.appendedAtEpochMillis ?? 0) + RETENTION;
      expect(await sweepOnce()).toMatchObject({
        evicted: 1,
        woken: 1,
        freedSegments: 2,
        countDifferences: 0,
      });
      expect(metrics.sums()).toMatchObject({
        GapsRetention: 1,
        FreedSegments: 2,
        SlowestSessionLagMessages: 28,
      });
      expect(metrics.sums()).not.toHaveProperty("RepairedWakes");
      expect(cursorOf("lagging")).toMatchObject({
        next: 26,
        segment: 2,
        fence: 8,
        state: "signalled",
        gap: { first: 3, last: 25, reason: "retention" },
      });
      expect(logged).toMatchObject([{ level: "warn", facts: { session: "lagging", from: 3, to: 26 } }]);
    },
  );

  it.each(["paused", "suspended"] as const)(
    "evicts a lagging session that is %s without waking it",
    async (state) => {
      append(6);
      stand("resting", 3, { state });
      relay.nowEpochMillis += 2 * RETENTION;
      expect(await sweepOnce()).toMatchObject({ evicted: 1, woken: 0, freedSegments: 2 });
      expect(cursorOf("resting")).toMatchObject({ state, next: 31, gap: { first: 3, last: 30 } });
    },
  );

  describe("with a session that a conflict has kept in an older segment's count", () => {
    beforeEach(() => {
      append(6);
      stand("reader", 31);
      relay.moveReference(cursorOf("reader"), 0);
      relay.cursors.set("reader", { ...cursorOf("reader"), segment: 0 });
    });

    it("lets it cross at rest, and invalidates earlier reads of the row", async () => {
      const before = cursorOf("reader");
      expect(await sweepOnce()).toMatchObject({ crossed: 1, countDifferences: 0 });
      expect(cursorOf("reader")).toEqual({ ...before, segment: 3, fence: before.fence + 1 });
    });

    it("leaves it to deliver when it is active", async () => {
      const active = { state: "active", leaseUntilEpochMillis: relay.nowEpochMillis + 20_000 } as const;
      relay.cursors.set("reader", { ...cursorOf("reader"), ...active });
      const before = cursorOf("reader");
      expect(await sweepOnce()).toMatchObject({ crossed: 0, countDifferences: 0 });
      expect(cursorOf("reader")).toEqual(before);
    });

    it("leaves it alone when another writer was faster", async () => {
      const listCursors = async (feed: string) => {
        const rows = await parts.cursors.listCursors(feed);
        relay.cursors.set("reader", { ...cursorOf("reader"), fence: 99 });
        return rows;
      };
      expect(await sweepOnce({ cursors: { ...parts.cursors, listCursors } })).toMatchObject({ crossed: 0 });
      expect(cursorOf("reader")).toMatchObject({ segment: 0, fence: 99 });
    });
  });

  it("leaves a session that cannot be moved now to the next sweep", async () => {
    append(6);
    stand("busy", 3);
    relay.nowEpochMillis += 2 * RETENTION;
    const write = (cursor: Cursor, change: CursorChange) =>
      change.segment === undefined
        ? parts.cursors.write(cursor, change)
        : Promise.reject(new TransactionRefusedError({ feed: FEED, session: "busy", cause: "conflict" }));
    expect(await sweepOnce({ cursors: { ...parts.cursors, write } })).toMatchObject({
      evicted: 0,
      freedSegments: 0,
    });
    expect(cursorOf("busy")).toMatchObject({ next: 3, segment: 0 });
    expect(await sweepOnce()).toMatchObject({ evicted: 1, freedSegments: 2 });
  });

  it("sweeps the other feeds when one fails, and fails in the end", async () => {
    const broken = { ...relay.head, feed: "broken" };
    const heads = { ...parts.heads, listHeads: async () => [broken, relay.head] };
    const tails = {
      ...parts.tails,
      readHead: (feed: string) =>
        feed === "broken" ? Promise.reject(new Error("throttled")) : Promise.resolve(relay.head),
    };
    append(3);
    await expect(sweep({ ...parts, heads, tails })).rejects.toThrow("1 feeds");
    expect(relay.head.tailHint).toBe(15);
    expect(logged).toMatchObject([{ level: "error", facts: { feed: "broken" } }]);
  });

  it("sweeps each of many feeds once, several concurrently", async () => {
    const feeds = Array.from({ length: 25 }, (_, index) => `feed-${index}`);
    const heads = {
      ...parts.heads,
      listHeads: async () => feeds.map((feed) => ({ ...relay.head, feed })),
    };
    let [reading, most] = [0, 0];
    const tails = {
      ...parts.tails,
      readHead: async () => {
        reading += 1;
        most = Math.max(most, reading);
        await new Promise((resolve) => setImmediate(resolve));
        reading -= 1;
        return undefined;
      },
    };
    const reports = await sweep({ ...parts, heads, tails });
    expect(reports.map(({ feed }) => feed).sort()).toEqual([...feeds].sort());
    expect(most).toBe(10);
  });
});

describe("freeSegments, where freed pages are left to expire", () => {
  /** As appended under the setting, unless another time to live is given. */
  function expire(first: number, ttlMillis = PAGE_TTL): void {
    const page = relay.pages.get(first);
    if (page === undefined) throw new Error(`there is no page ${first}`);
    const expiresAtEpochSeconds = expiryOf(page.appendedAtEpochMillis, ttlMillis);
    relay.pages.set(first, { ...page, expiresAtEpochSeconds });
  }

  beforeEach(() => {
    parts = { ...parts, settings: { ...parts.settings, freeing: "expire", pageTtlMillis: PAGE_TTL } };
    append(6);
    for (const first of relay.pages.keys()) expire(first);
    relay.nowEpochMillis += GRACE;
  });

  it("moves the head, and deletes nothing", async () => {
    expect(await freeSegments(parts, relay.head, await tailNow())).toEqual({
      freedSegments: 2,
      deletedPages: 0,
    });
    expect(relay.head).toMatchObject({ headSegment: 2, clearedSegment: 2 });
    expect(heldNumbers()).toEqual([1, 6, 11, 16, 21, 26]);
  });

  it("still frees no segment in which a cursor stands", async () => {
    stand("reader", 11);
    expect(await freeSegments(parts, relay.head, await tailNow())).toMatchObject({ freedSegments: 1 });
  });

  it("deletes a segment with a page that would stay for longer, the last page last", async () => {
    expire(6, PAGE_TTL + 1_000);
    expect(await freeSegments(parts, relay.head, await tailNow())).toEqual({
      freedSegments: 2,
      deletedPages: 2,
    });
    expect(heldNumbers()).toEqual([11, 16, 21, 26]);
  });

  it("deletes a segment with a page that never expires", async () => {
    const page = relay.pages.get(11);
    if (page) relay.pages.set(11, { ...page, expiresAtEpochSeconds: undefined });
    expect(await freeSegments(parts, relay.head, await tailNow())).toMatchObject({ deletedPages: 2 });
  });

  it("deletes nothing of what it left before once the setting is at-once again", async () => {
    await freeSegments(parts, relay.head, await tailNow());
    const atOnce: SweepParts = { ...parts, settings: { ...parts.settings, freeing: "at-once" } };
    expect(await freeSegments(atOnce, relay.head, await tailNow())).toEqual({
      freedSegments: 0,
      deletedPages: 0,
    });
  });

  it("is no different for the audit, the measures and the repairs of later sweeps", async () => {
    stand("reader", 31, { state: "parked" });
    expect(await sweepOnce()).toMatchObject({ freedSegments: 2, deletedPages: 0, countDifferences: 0 });
    expect(await sweepOnce()).toMatchObject({ freedSegments: 0, countDifferences: 0, woken: 0 });
  });
});

describe("the last page of a feed", () => {
  const expires = () => relay.pages.get(1)?.expiresAtEpochSeconds;

  beforeEach(() => {
    append(1);
    const page = relay.pages.get(1);
    if (page)
      relay.pages.set(1, {
        ...page,
        expiresAtEpochSeconds: expiryOf(page.appendedAtEpochMillis, PAGE_TTL),
      });
  });

  it("is kept for longer once the feed has gone quiet", async () => {
    const appendedAtEpochMillis = relay.nowEpochMillis;
    relay.nowEpochMillis += QUIET_MILLIS;
    await keepLastPage(parts, await foundTail());
    expect(expires()).toBe(expiryOf(appendedAtEpochMillis, PAGE_TTL));
    relay.nowEpochMillis += 1;
    await keepLastPage(parts, await foundTail());
    expect(expires()).toBe(expiryOf(appendedAtEpochMillis, LAST_PAGE_TTL));
  });

  it("is written once", async () => {
    relay.nowEpochMillis += 2 * QUIET_MILLIS;
    await keepLastPage(parts, await foundTail());
    const refuses = { ...parts.pages, changeExpiry: () => Promise.reject(new Error("written again")) };
    await expect(keepLastPage({ ...parts, pages: refuses }, await foundTail())).resolves.toBeUndefined();
  });

  it("is left as it is where nothing was appended", async () => {
    relay.pages.clear();
    await expect(keepLastPage(parts, await foundTail())).resolves.toBeUndefined();
  });
});
