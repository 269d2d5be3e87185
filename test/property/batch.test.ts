import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GAP_TYPE, renderMessage } from "../../shared/queue/message.ts";
import { lastOf, type Page } from "../../shared/queue/page.ts";
import type { Batch } from "../../shared/sessions/batch.ts";
import { planGap } from "../../shared/sessions/batch.ts";
import { type Cursor, newCursor, progress } from "../../shared/sessions/cursor.ts";
import { createJudges } from "../../shared/sessions/judge.ts";
import { webhookBody } from "../../shared/webhook/body.ts";
import { MAX_BATCH_BYTES, planBatch } from "../../shared/webhook/planBatch.ts";
import { ownEnd } from "../../shared/webhook/sharedMessages.ts";
import { jsonOf } from "../support/webhookBodies.ts";

const NOW = 1_700_000_000_000;

async function bodyText(cursor: Parameters<typeof webhookBody>[0], batch: Batch): Promise<string> {
  return jsonOf(webhookBody(cursor, batch, await ownEnd(batch.messages, "stasis", false)));
}
const TYPES = ["A", "B", "C", GAP_TYPE];

const pageTypes = fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 12 });
const world = fc.record({
  pages: fc.array(pageTypes, { minLength: 1, maxLength: 12 }).map(pagesOf),
  interest: fc.option(fc.subarray(["A", "B", "X"], { minLength: 1 }), { nil: undefined }),
  maxBatch: fc.integer({ min: 1, max: 15 }),
  /** The session's start within the first page. */
  start: fc.nat(11),
  /** For each plan, the number of appended pages from the cursor's page on. */
  visible: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 50 }),
});

type World = typeof world extends fc.Arbitrary<infer Facts> ? Facts : never;

function pagesOf(types: readonly (readonly string[])[], textBytes = 100): Page[] {
  let next = 101;
  return types.map((each) => {
    const first = next;
    next += each.length;
    const messages = each.map((type, n) => renderMessage(type, "now", `{"n":${first + n}}`));
    return {
      first,
      count: each.length,
      names: [...new Set(each)],
      appendedAtEpochMillis: NOW,
      messages,
      textBytes,
    };
  });
}

function cursorAt(next: number, interest?: readonly string[]): Cursor {
  return newCursor({ feed: "pbx-1", session: "s", next, segmentSize: 1000, interest, nowEpochMillis: NOW });
}

function matching(pages: readonly Page[], interest: readonly string[] | undefined) {
  return pages.flatMap((page) =>
    page.messages.flatMap((message, index) =>
      interest === undefined || interest.includes(message.type ?? "") || message.type === GAP_TYPE
        ? [{ sequence: page.first + index, message }]
        : [],
    ),
  );
}

const judgeOf = createJudges(() => 0, { nowEpochMillis: () => NOW, sleep: async () => {} });

/** Plans for a session that filters on the types in its cursor's interest. */
async function plan(cursor: Cursor, pages: readonly Page[], maxBatch: number): Promise<Batch | undefined> {
  const filter = cursor.interest === undefined ? undefined : { types: cursor.interest };
  return planBatch(cursor, pages, await judgeOf(cursor.feed, "stasis", filter), maxBatch);
}

/** Plans batch after batch to the end, each time from the pages appended so far. */
async function walk({ pages, interest, maxBatch, start, visible }: World) {
  const [firstPage] = pages;
  if (firstPage === undefined) throw new Error("no pages");
  let cursor = cursorAt(Math.min(firstPage.first + start, lastOf(firstPage)), interest);
  const begin = cursor.next;
  const batches: { cursor: Cursor; batch: Batch }[] = [];
  for (let step = 0; ; step += 1) {
    const ahead = pages.filter((page) => lastOf(page) >= cursor.next);
    const batch = await plan(cursor, ahead.slice(0, visible[step % visible.length]), maxBatch);
    if (batch === undefined) return { begin, batches };
    batches.push({ cursor, batch });
    const sentLast = batch.messages.at(-1)?.sequence;
    cursor = progress(cursor, { next: batch.last + 1, sentLast, lane: "fast", nowEpochMillis: NOW });
  }
}

describe("a session that walks batch by batch", () => {
  it("gets every wanted message once and in order", async () => {
    await fc.assert(
      fc.asyncProperty(world, async (facts) => {
        const { begin, batches } = await walk(facts);
        const wanted = matching(facts.pages, facts.interest).filter(({ sequence }) => sequence >= begin);
        expect(batches.flatMap(({ batch }) => batch.messages)).toEqual(wanted);
      }),
      { numRuns: 500 },
    );
  });

  it("never gets more than maxBatch messages, and every batch moves it forward", async () => {
    await fc.assert(
      fc.asyncProperty(world, async (facts) => {
        for (const { cursor, batch } of (await walk(facts)).batches) {
          expect(batch.messages.length).toBeLessThanOrEqual(facts.maxBatch);
          expect(batch.last).toBeGreaterThanOrEqual(cursor.next);
        }
      }),
    );
  });

  it("gets batches that end with a page, or after every maxBatch messages of a page", async () => {
    await fc.assert(
      fc.asyncProperty(world, async (facts) => {
        for (const { batch } of (await walk(facts)).batches) {
          const page = facts.pages.find((each) => batch.last >= each.first && batch.last <= lastOf(each));
          if (page === undefined) throw new Error(`${batch.last} is in no page`);
          if (batch.last === lastOf(page)) continue;
          const passed = matching([page], facts.interest).filter(({ sequence }) => sequence <= batch.last);
          expect(passed.length).toBeGreaterThan(0);
          expect(passed.length % facts.maxBatch).toBe(0);
        }
      }),
    );
  });

  it("repeats a begun batch, however many pages were appended since", async () => {
    await fc.assert(
      fc.asyncProperty(world, async (facts) => {
        for (const { cursor, batch } of (await walk(facts)).batches) {
          const ahead = facts.pages.filter((page) => lastOf(page) >= cursor.next);
          const begun = { ...cursor, batchLast: batch.last, fence: cursor.fence + 1, attempts: 3 };
          expect(await plan(begun, ahead, facts.maxBatch)).toEqual(batch);
        }
      }),
    );
  });

  it("gets different ids for different batches, and new ids after a person changed the configuration", async () => {
    await fc.assert(
      fc.asyncProperty(world, async (facts) => {
        const { batches } = await walk(facts);
        const again = await Promise.all(
          batches.map(({ cursor, batch }) =>
            plan({ ...cursor, batchLast: batch.last, generation: 2 }, facts.pages, facts.maxBatch),
          ),
        );
        const ids = [...batches.map(({ batch }) => batch), ...again].map((batch) => batch?.id);
        expect(new Set(ids).size).toBe(2 * batches.length);
      }),
    );
  });

  it("can prove with previous, first and last that it missed nothing, whatever its filter omits", async () => {
    await fc.assert(
      fc.asyncProperty(world, async (facts) => {
        const { begin, batches } = await walk(facts);
        const bodies = await Promise.all(
          batches
            .filter(({ batch }) => batch.messages.length > 0)
            .map(async ({ cursor, batch }) => JSON.parse(await bodyText(cursor, batch))),
        );
        let previous = begin - 1;
        for (const body of bodies) {
          const sequences = body.messages.map(({ sequence }: { sequence: number }) => sequence);
          expect(body).toMatchObject({ previous, first: sequences[0], last: sequences.at(-1) });
          previous = body.last;
        }
      }),
    );
  });
});

describe("planBatch", () => {
  it("plans nothing without pages", async () => {
    expect(await plan(cursorAt(101), [], 10)).toBeUndefined();
  });

  it("passes pages without wanted messages in one empty batch", async () => {
    const pages = pagesOf([["B"], ["B", "C"], ["C"]]);
    expect(await plan(cursorAt(101, ["A"]), pages, 1)).toEqual({
      id: "s-1-101-104",
      last: 104,
      messages: [],
      appendedAtEpochMillis: NOW,
      tellsGap: false,
    });
  });

  it("has the append time of its last message, even if it passes later pages", async () => {
    const pages = pagesOf([["A"], ["A"], ["B"]]).map((page, index) => ({
      ...page,
      appendedAtEpochMillis: NOW + index,
    }));
    expect(await plan(cursorAt(101, ["A"]), pages, 9)).toMatchObject({
      last: 103,
      appendedAtEpochMillis: NOW + 1,
    });
  });

  it("joins whole pages while they fit, and does not begin a page that does not fit", async () => {
    const pages = pagesOf([["A", "A"], ["A"], ["A", "A"]]);
    expect(await plan(cursorAt(101), pages, 4)).toMatchObject({ id: "s-1-101-103", last: 103 });
  });

  it("bounds a request in bytes, but sends a single page of any size", async () => {
    const pages = pagesOf(Array(3).fill(["A"]), MAX_BATCH_BYTES / 2);
    expect(await plan(cursorAt(101), pages, 100)).toMatchObject({ last: 102 });
    const huge = pagesOf([["A"], ["A"]], 2 * MAX_BATCH_BYTES);
    expect(await plan(cursorAt(101), huge, 100)).toMatchObject({ last: 101 });
  });

  it("does not count the bytes of pages without sent messages", async () => {
    const pages = pagesOf([["A"], ["B"], ["B"], ["A"]], MAX_BATCH_BYTES / 2);
    expect(await plan(cursorAt(101, ["A"]), pages, 100)).toMatchObject({ last: 104 });
  });

  it("cuts a large page at the same points, wherever the session begins in it", async () => {
    const pages = pagesOf([Array(10).fill("A")]);
    const batches = await Promise.all(
      [101, 102, 103, 104, 109].map((next) => plan(cursorAt(next), pages, 3)),
    );
    expect(batches.map((batch) => batch?.last)).toEqual([103, 103, 103, 106, 109]);
  });
});

describe("the request body", () => {
  const [page] = pagesOf([["A"]]);
  const cursor = { ...cursorAt(101), fence: 9, previous: 77 };

  it("follows the interface, with every event unchanged", async () => {
    const batch = page && (await plan(cursor, [page], 10));
    if (batch === undefined) throw new Error("no batch");
    expect(await bodyText(cursor, batch)).toBe(
      '{"feed":"pbx-1","session":"s","epoch":9,"first":101,"last":101,"previous":77,' +
        '"messages":[{"sequence":101,"type":"A","timestamp":"now","event":{"n":101}}]}',
    );
  });

  it("reports a gap with the gap's first and last number, and the cursor then continues at the same place", async () => {
    const gapped = { ...cursor, gap: { first: 78, last: 100, reason: "retention" as const } };
    const batch = planGap(gapped, NOW);
    expect(batch).toMatchObject({ id: "s-1-gap-78-100", last: 100, tellsGap: true });
    expect(JSON.parse(await bodyText(gapped, batch))).toMatchObject({
      first: 78,
      last: 100,
      previous: 77,
      messages: [{ sequence: 100, type: "RelayGap", event: { reason: "retention", first: 78, last: 100 } }],
    });
    const told = progress(gapped, {
      next: batch.last + 1,
      sentLast: batch.messages.at(-1)?.sequence,
      gapTold: true,
      lane: "fast",
      nowEpochMillis: NOW,
    });
    expect(told).toMatchObject({ next: 101, previous: 100 });
  });
});
