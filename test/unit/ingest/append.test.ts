import { beforeEach, describe, expect, it } from "vitest";
import { Appender } from "../../../functions/ingest/append.ts";
import { AppendTimeoutError, PositionConflictError } from "../../../shared/errors.ts";
import { silentMetrics } from "../../../shared/runtime/metrics.ts";
import { event, events, FEED, refusedEvent } from "../queue/samples.ts";
import { appendParts, ManualClock, MemoryQueue } from "./memoryQueue.ts";

let queue: MemoryQueue;
let clock: ManualClock;
let parts: ReturnType<typeof appendParts>;
let appender: Appender;

beforeEach(() => {
  queue = new MemoryQueue();
  clock = new ManualClock();
  parts = appendParts(queue, clock);
  appender = new Appender(parts);
});

const by = (id: string, position: number) => ({ producer: { id, position } });
/** By a producer with a key. */
const keyed = (id: string, position: number, key = "key_1") => ({ producer: { id, position, key } });
const DAY = 24 * 3_600_000;
const names = () => queue.eventsOf(FEED).map(({ event: { n, type } }) => n ?? type);

describe("Appender", () => {
  it("writes one page and sends one hint for a batch", async () => {
    const [result] = await appender.append(FEED, [{ events: events(5) }]);
    expect(result).toEqual({ first: 1, last: 5, accepted: 5, duplicates: 0, refused: [] });
    expect(queue.calls.putPage).toBe(1);
    expect(parts.hints).toEqual([{ feed: FEED, first: 1, next: 6, names: ["Dial"] }]);
  });

  it("records the appended events, and a hole in a producer's positions as a gap", async () => {
    await appender.append(FEED, [{ ...by("p", 1), events: events(2) }]);
    await appender.append(FEED, [{ ...by("p", 9), events: events(3) }]);
    expect(parts.metrics.sums()).toEqual({ AppendedPages: 2, AppendedEvents: 5, GapsBeforeIngest: 1 });
  });

  it("records its own page once, and not the page of another writer", async () => {
    await appender.append(FEED, [{ events: events(2) }]);
    await new Appender({ ...parts, metrics: silentMetrics }).append(FEED, [{ events: events(3, 3) }]);
    await appender.append(FEED, [{ events: [event("mine")] }]);
    expect(parts.metrics.sums()).toEqual({ AppendedPages: 2, AppendedEvents: 3 });
  });

  it("writes a page per segment and still sends one hint", async () => {
    const [result] = await appender.append(FEED, [{ events: events(25) }]);
    expect(result).toMatchObject({ first: 1, last: 25, accepted: 25 });
    expect(queue.pagesOf(FEED).map(({ first, count }) => [first, count])).toEqual([
      [1, 10],
      [11, 10],
      [21, 5],
    ]);
    expect(parts.hints).toEqual([{ feed: FEED, first: 1, next: 26, names: ["Dial"] }]);
  });

  it("answers each submission with its own numbers when they share pages", async () => {
    const results = await appender.append(FEED, [
      { events: events(2) },
      { events: [] },
      { events: events(3, 3) },
    ]);
    expect(results.map((each) => "first" in each && [each.first, each.last])).toEqual([
      [1, 2],
      [null, null],
      [3, 5],
    ]);
    expect(queue.calls.putPage).toBe(1);
  });

  it("reports refused events and appends the others", async () => {
    const [result] = await appender.append(FEED, [{ events: [event("a"), refusedEvent, event("c")] }]);
    expect(result).toEqual({
      first: 1,
      last: 2,
      accepted: 2,
      duplicates: 0,
      refused: [{ index: 1, error: "not JSON" }],
    });
  });

  it("lists every new name in the hint", async () => {
    await appender.append(FEED, [
      { events: [event(1, { type: "A" }), event(2, { type: "B" }), event(3, { type: "A" })] },
    ]);
    expect(parts.hints[0]?.names).toEqual(["A", "B"]);
  });

  it("reads the tail once and caches it until it is too old", async () => {
    for (let n = 0; n < 5; n += 1) await appender.append(FEED, [{ events: [event(n)] }]);
    const before = { ...queue.calls };
    clock.now += parts.settings.tailCacheMillis;
    await appender.append(FEED, [{ events: [event(6)] }]);
    expect(queue.calls).toEqual({ ...before, putPage: before.putPage + 1 });
    clock.now += parts.settings.tailCacheMillis + 1;
    await appender.append(FEED, [{ events: [event(7)] }]);
    expect(queue.calls.readHead).toBe(before.readHead + 1);
    expect(names()).toEqual(["0", "1", "2", "3", "4", "6", "7"]);
  });

  it("reads an old tail again before it writes, because its number may have been freed since", async () => {
    await appender.append(FEED, [{ events: events(10) }]);
    await new Appender(parts).append(FEED, [{ events: events(12, 11) }]);
    queue.pages.delete(`${FEED}#1`);
    queue.pages.delete(`${FEED}#11`);
    queue.heads.set(FEED, { feed: FEED, segmentSize: 10, headSegment: 2, tailHint: 0, clearedSegment: 2 });
    clock.now += parts.settings.tailCacheMillis + 1;
    const [result] = await appender.append(FEED, [{ events: [event("late")] }]);
    expect(result).toMatchObject({ first: 23, last: 23 });
    expect(queue.pages.has(`${FEED}#11`)).toBe(false);
  });

  it("plans again on the new tail after another writer won the number", async () => {
    await appender.append(FEED, [{ events: events(2) }]);
    await new Appender({ ...parts, newAppendId: () => "other" }).append(FEED, [{ events: events(3, 3) }]);
    const [result] = await appender.append(FEED, [{ events: [event("mine")] }]);
    expect(result).toMatchObject({ first: 6, last: 6, accepted: 1 });
    expect(names()).toEqual(["1", "2", "3", "4", "5", "mine"]);
  });

  it("recognises after a lost race the events of the same producer that the winner has appended", async () => {
    await appender.append(FEED, [{ events: [event("before")] }]);
    await new Appender({ ...parts, newAppendId: () => "other" }).append(FEED, [
      { ...by("p", 1), events: events(2) },
    ]);
    const [result] = await appender.append(FEED, [{ ...by("p", 1), events: events(3) }]);
    expect(result).toEqual({ first: 2, last: 4, accepted: 1, duplicates: 2, refused: [] });
    expect(names()).toEqual(["before", "1", "2", "3"]);
  });

  it("recognises its own page when the response to the first attempt was lost", async () => {
    queue.beforePut = (page) => {
      queue.beforePut = () => {};
      queue.pages.set(`${FEED}#${page.first}`, page);
    };
    const [result] = await appender.append(FEED, [{ events: events(3) }]);
    expect(result).toMatchObject({ first: 1, last: 3, accepted: 3 });
    expect(names()).toEqual(["1", "2", "3"]);
    expect(queue.calls.putPage).toBe(1);
  });

  it("recognises the page on a resend when the first request failed after the put", async () => {
    queue.afterPut = () => {
      queue.afterPut = () => {};
      throw new Error("socket hang up");
    };
    const submission = { ...by("p", 1), events: events(3) };
    await expect(appender.append(FEED, [submission])).rejects.toThrow("socket hang up");
    expect(await appender.append(FEED, [submission])).toMatchObject([
      { first: 1, last: 3, accepted: 0, duplicates: 3 },
    ]);
    expect(names()).toEqual(["1", "2", "3"]);
  });

  it("answers a resend with its original numbers and sends the hint again", async () => {
    const submission = { ...by("p", 7), events: [event("a"), refusedEvent, event("c")] };
    await appender.append(FEED, [submission]);
    const [again] = await new Appender(parts).append(FEED, [submission]);
    expect(again).toEqual({
      first: 1,
      last: 2,
      accepted: 0,
      duplicates: 2,
      refused: [{ index: 1, error: "not JSON" }],
    });
    expect(queue.calls.putPage).toBe(1);
    expect(parts.hints).toEqual([
      { feed: FEED, first: 1, next: 3, names: ["Dial"] },
      { feed: FEED, first: 3, next: 3 },
    ]);
  });

  it("walks back several pages for a resend, past the pages of other producers", async () => {
    for (let position = 1; position <= 40; position += 4) {
      await appender.append(FEED, [{ ...by("p", position), events: events(4, position) }]);
      await appender.append(FEED, [{ events: [event("other")] }]);
    }
    const before = queue.calls.readPageAt;
    const [again] = await appender.append(FEED, [{ ...by("p", 2), events: events(6, 2) }]);
    const numberOf = Object.fromEntries(
      queue.eventsOf(FEED).map(({ sequence, event: { n } }) => [n, sequence]),
    );
    expect(again).toMatchObject({ first: numberOf[2], last: numberOf[7], duplicates: 6, accepted: 0 });
    expect(queue.calls.readPageAt).toBeGreaterThan(before + 2);
  });

  it("finds the first numbers of a resend however far back, as long as they are held", async () => {
    for (let position = 1; position <= 600; position += 2)
      await appender.append(FEED, [{ ...by("p", position), events: events(2, position) }]);
    const before = queue.calls.readPageAt + queue.calls.readPageBefore;
    const [again] = await appender.append(FEED, [{ ...by("p", 4), events: events(3, 4) }]);
    expect(again).toMatchObject({ first: 4, last: 6, duplicates: 3, accepted: 0 });
    expect(queue.calls.readPageAt + queue.calls.readPageBefore - before).toBeLessThan(50);
    queue.pages.delete(`${FEED}#3`);
    const [freed] = await appender.append(FEED, [{ ...by("p", 4), events: events(3, 4) }]);
    expect(freed).toMatchObject({ first: null, last: 6, duplicates: 3 });
  });

  it("refuses positions of a gap that it told, and never counts them as duplicates", async () => {
    await appender.append(FEED, [{ ...by("p", 1), events: events(2) }]);
    await appender.append(FEED, [{ ...by("p", 5_000_000), events: [event("far")] }]);
    const [late] = await new Appender(parts).append(FEED, [{ ...by("p", 3), events: events(2, 3) }]);
    expect(late).toBeInstanceOf(PositionConflictError);
    expect(late).toMatchObject({ facts: { position: 3, expected: 5_000_001 } });
    const [resent] = await appender.append(FEED, [{ ...by("p", 1), events: events(2) }]);
    expect(resent).toMatchObject({ first: 1, last: 2, duplicates: 2 });
  });

  it("takes no position for appended that a page without memory of gaps may have told as lost", async () => {
    await appender.append(FEED, [{ ...by("p", 1), events: events(2) }]);
    await appender.append(FEED, [{ ...by("p", 9), events: events(2, 9) }]);
    for (const [key, page] of queue.pages)
      queue.pages.set(key, {
        ...page,
        producers: page.producers.map(({ gaps: _, ...trail }) => trail),
      });
    const updated = new Appender(parts);
    const [late] = await updated.append(FEED, [{ ...by("p", 3), events: events(2, 3) }]);
    expect(late).toBeInstanceOf(PositionConflictError);
    const [next] = await updated.append(FEED, [{ ...by("p", 11), events: events(1, 11) }]);
    expect(next).toMatchObject({ accepted: 1, duplicates: 0 });
    const [stillLate] = await updated.append(FEED, [{ ...by("p", 4), events: events(1, 4) }]);
    expect(stillLate).toBeInstanceOf(PositionConflictError);
    const [resent] = await updated.append(FEED, [{ ...by("p", 11), events: events(1, 11) }]);
    expect(resent).toMatchObject({ accepted: 0, duplicates: 1 });
  });

  it("leaves the names out of a hint when they are too many for one", async () => {
    const names = Array.from({ length: 600 }, (_, n) => `${"x".repeat(100)}${n}`);
    const many = names.map((type) => ({ event: { type, timestamp: "now", text: "{}", body: {} } }));
    await appender.append(FEED, [{ events: many }]);
    expect(parts.hints).toEqual([{ feed: FEED, first: 1, next: 601 }]);
  });

  it("answers a half-new resend with the original first number and a new last number", async () => {
    await appender.append(FEED, [{ ...by("p", 1), events: events(3) }]);
    const [result] = await appender.append(FEED, [{ ...by("p", 2), events: events(4, 2) }]);
    expect(result).toEqual({ first: 2, last: 5, accepted: 2, duplicates: 2, refused: [] });
    expect(names()).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("answers without numbers when the resent events have been freed", async () => {
    await appender.append(FEED, [{ ...by("p", 1), events: events(10) }]);
    await appender.append(FEED, [{ ...by("p", 11), events: events(2, 11) }]);
    queue.pages.delete(`${FEED}#1`);
    const [result] = await appender.append(FEED, [{ ...by("p", 1), events: events(3) }]);
    expect(result).toMatchObject({ first: null, last: null, accepted: 0, duplicates: 3 });
  });

  it("refuses positions below a producer's first one, and accepts the other submissions", async () => {
    await appender.append(FEED, [{ ...by("p", 10), events: events(2) }]);
    const [conflict, other] = await appender.append(FEED, [
      { ...by("p", 9), events: events(9) },
      { events: [event("other")] },
    ]);
    expect(conflict).toBeInstanceOf(PositionConflictError);
    expect(conflict).toMatchObject({ facts: { feed: FEED, producer: "p", position: 9, expected: 12 } });
    expect(other).toMatchObject({ first: 3, accepted: 1 });
    expect(names()).toEqual(["1", "2", "other"]);
  });

  it("reports missing positions in the feed and in the hint", async () => {
    await appender.append(FEED, [{ ...by("p", 1), events: [event(1)] }]);
    const [result] = await appender.append(FEED, [{ ...by("p", 5), events: [event(5)] }]);
    expect(result).toMatchObject({ first: 3, last: 3, accepted: 1 });
    expect(names()).toEqual(["1", "RelayGap", "5"]);
    expect(parts.hints[1]).toEqual({
      feed: FEED,
      first: 2,
      next: 4,
      names: ["RelayGap", "Dial", "event RelayGap", "class system"],
    });
  });

  it("answers when the hint cannot be sent, and logs the error", async () => {
    parts = { ...parts, sendNotify: () => Promise.reject(new Error("SQS is away")) };
    const [result] = await new Appender(parts).append(FEED, [{ events: events(2) }]);
    expect(result).toMatchObject({ accepted: 2 });
    expect(parts.log.entries).toEqual([
      {
        message: expect.stringContaining("the sweep will repair it"),
        facts: expect.objectContaining({ feed: FEED }),
      },
    ]);
  });

  it("sends no hint when nothing was appended or recognised", async () => {
    await appender.append(FEED, [{ events: [refusedEvent] }]);
    expect(parts.hints).toEqual([]);
    expect(queue.calls.putPage).toBe(0);
  });

  it("times out a put that hangs, with a retryable error", async () => {
    parts = appendParts(queue, clock, { appendTimeoutMillis: 20 });
    queue.beforePut = (_page, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const appending = new Appender(parts).append(FEED, [{ events: events(2) }]);
    await expect(appending).rejects.toThrow(AppendTimeoutError);
    await expect(appending).rejects.toMatchObject({ code: "append.timeout", retryable: true });
    expect(parts.metrics.sums()).toEqual({ AppendTimeouts: 1 });
  });

  it("waits longer after each lost race, so that writers avoid each other", async () => {
    const pauses: number[] = [];
    clock.sleep = async (millis) => void pauses.push(millis);
    let others = 3;
    queue.beforePut = async (page) => {
      if (others-- > 0) queue.pages.set(`${FEED}#${page.first}`, { ...page, appendId: `other-${others}` });
    };
    const patient = new Appender({ ...parts, random: () => 0.5 });
    await patient.append(FEED, [{ events: [event(1)] }]);
    expect(pauses).toEqual([10, 20, 40]);
  });

  it("times out when it loses every race", async () => {
    parts = appendParts(queue, clock, { appendTimeoutMillis: 30, segmentSize: 1_000_000 });
    queue.beforePut = async (page) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      queue.pages.set(`${FEED}#${page.first}`, { ...page, appendId: "other" });
    };
    await expect(new Appender(parts).append(FEED, [{ events: [event(1)] }])).rejects.toThrow(
      AppendTimeoutError,
    );
  });

  it("reads the tail again after a failed put", async () => {
    await appender.append(FEED, [{ events: [event(1)] }]);
    queue.beforePut = () => {
      queue.beforePut = () => {};
      throw new Error("throttled");
    };
    await expect(appender.append(FEED, [{ events: [event(2)] }])).rejects.toThrow("throttled");
    const before = queue.calls.readHead;
    await appender.append(FEED, [{ events: [event(2)] }]);
    expect(queue.calls.readHead).toBe(before + 1);
  });

  it("lets a page expire after the configured time from its append", async () => {
    let expires = 0;
    const put = queue.putPage.bind(queue);
    queue.putPage = (feed, segment, page, options) => {
      expires = options.expiresAtEpochSeconds;
      return put(feed, segment, page, options);
    };
    await appender.append(FEED, [{ events: [event(1)] }]);
    expect(expires).toBe((clock.now + parts.settings.pageTtlMillis) / 1000);
  });

  it("creates a feed with the configured segment size, and keeps that size", async () => {
    await appender.append(FEED, [{ events: [event(1)] }]);
    await new Appender(appendParts(queue, clock, { segmentSize: 3 })).append(FEED, [
      { events: events(5, 2) },
    ]);
    expect(queue.heads.get(FEED)).toMatchObject({ segmentSize: 10 });
    expect(queue.pagesOf(FEED).map(({ count }) => count)).toEqual([1, 5]);
  });
});

describe("a producer with a key", () => {
  const idsOnPage = () =>
    queue
      .pagesOf(FEED)
      .at(-1)
      ?.producers.map(({ id }) => id);

  it("is recognised by a new process after eight days, while others appended", async () => {
    await appender.append(FEED, [{ ...keyed("bridge", 1), events: events(3) }]);
    clock.now += 8 * DAY;
    await appender.append(FEED, [{ events: [event("other")] }]);
    expect(idsOnPage()).toEqual([]);
    const [again] = await new Appender(parts).append(FEED, [{ ...keyed("bridge", 1), events: events(5) }]);
    expect(again).toEqual({ first: 1, last: 6, accepted: 2, duplicates: 3, refused: [] });
    expect(names()).toEqual(["1", "2", "3", "other", "4", "5"]);
  });

  it("gets its first numbers for a batch that is all old, as long as they are held", async () => {
    await appender.append(FEED, [{ ...keyed("bridge", 1), events: events(3) }]);
    clock.now += 8 * DAY;
    await appender.append(FEED, [{ events: [event("other")] }]);
    const submission = { ...keyed("bridge", 1), events: events(3) };
    expect(await appender.append(FEED, [submission])).toMatchObject([{ first: 1, last: 3, duplicates: 3 }]);
    queue.pages.delete(`${FEED}#1`);
    expect(await appender.append(FEED, [submission])).toMatchObject([{ first: null, duplicates: 3 }]);
  });

  it("goes on after its gaps as if it had never been away", async () => {
    await appender.append(FEED, [{ ...keyed("bridge", 1), events: events(2) }]);
    await appender.append(FEED, [{ ...keyed("bridge", 9), events: events(1, 9) }]);
    clock.now += 8 * DAY;
    await appender.append(FEED, [{ events: [event("other")] }]);
    const [inGap] = await appender.append(FEED, [{ ...keyed("bridge", 4), events: events(1, 4) }]);
    expect(inGap).toBeInstanceOf(PositionConflictError);
    const [jump] = await appender.append(FEED, [{ ...keyed("bridge", 20), events: events(1, 20) }]);
    expect(jump).toMatchObject({ accepted: 1 });
    expect(names()).toEqual(["1", "2", "RelayGap", "9", "other", "RelayGap", "20"]);
  });

  it("is forgotten after 30 days", async () => {
    await appender.append(FEED, [{ ...keyed("bridge", 1), events: events(3) }]);
    clock.now += 2 * DAY;
    await appender.append(FEED, [{ events: [event("other")] }]);
    clock.now += 28 * DAY + 1;
    await appender.append(FEED, [{ ...keyed("bridge", 1), events: events(3) }]);
    expect(names()).toEqual(["1", "2", "3", "other", "1", "2", "3"]);
  });

  it("is recognised under another key and under the management key", async () => {
    await appender.append(FEED, [{ ...keyed("bridge", 1, "key_old"), events: events(3) }]);
    for (const again of [keyed("bridge", 1, "key_new"), by("bridge", 1)]) {
      clock.now += 2 * DAY;
      await appender.append(FEED, [{ events: [event("other")] }]);
      expect(await appender.append(FEED, [{ ...again, events: events(3) }])).toMatchObject([
        { accepted: 0, duplicates: 3 },
      ]);
    }
  });

  it("is one of any number on a feed: 40 take turns, and each resends", async () => {
    const turn = async (position: number) => {
      const results = [];
      for (let n = 0; n < 40; n += 1) {
        const [result] = await appender.append(FEED, [
          { ...keyed(`p${n}`, position, `key_${n % 3}`), events: events(2, position) },
        ]);
        results.push(result);
      }
      return results;
    };
    const first = await turn(1);
    expect(await turn(1)).toEqual(first.map((result) => ({ ...result, accepted: 0, duplicates: 2 })));
    await turn(3);
    expect(await turn(2)).toMatchObject(first.map(() => ({ accepted: 0, duplicates: 2 })));
    expect(queue.eventsOf(FEED)).toHaveLength(160);
  });

  it("sends at the same time as more producers than a page remembers", async () => {
    const all = Array.from({ length: 70 }, (_, n) => ({ ...keyed(`p${n}`, 1), events: events(1) }));
    await appender.append(FEED, all);
    const again = await appender.append(FEED, all);
    expect(again).toMatchObject(all.map(() => ({ accepted: 0, duplicates: 1 })));
    expect(queue.eventsOf(FEED)).toHaveLength(70);
  });

  it("without a key is forgotten after a day, as before", async () => {
    await appender.append(FEED, [{ ...by("bridge", 1), events: events(1) }]);
    clock.now += DAY + 1;
    await appender.append(FEED, [{ events: [event("other")] }]);
    expect(queue.calls.putArchive).toBe(0);
    await appender.append(FEED, [{ ...by("bridge", 1), events: events(1) }]);
    expect(names()).toEqual(["1", "other", "1"]);
  });

  it("costs a read of the archive only when the tail does not know it, and a write only when it is dropped", async () => {
    for (let position = 1; position <= 9; position += 3)
      await appender.append(FEED, [{ ...keyed("bridge", position), events: events(3, position) }]);
    await appender.append(FEED, [{ events: [event("other")] }]);
    expect([queue.calls.readArchives, queue.calls.putArchive]).toEqual([1, 0]);
  });

  it("is not dropped when it cannot be archived: the page is not written", async () => {
    await appender.append(FEED, [{ ...keyed("bridge", 1), events: events(3) }]);
    clock.now += 2 * DAY;
    const put = queue.putArchive.bind(queue);
    queue.putArchive = async () => {
      throw new Error("throttled");
    };
    await expect(appender.append(FEED, [{ events: [event("other")] }])).rejects.toThrow("throttled");
    expect(names()).toEqual(["1", "2", "3"]);
    queue.putArchive = put;
    await appender.append(FEED, [{ events: [event("other")] }]);
    expect(await appender.append(FEED, [{ ...keyed("bridge", 1), events: events(3) }])).toMatchObject([
      { duplicates: 3 },
    ]);
  });

  it("times out when other writers win every write of the archive", async () => {
    parts = appendParts(queue, clock, { appendTimeoutMillis: 30 });
    appender = new Appender(parts);
    await appender.append(FEED, [{ ...keyed("bridge", 1), events: events(3) }]);
    clock.now += 2 * DAY;
    queue.putArchive = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return false;
    };
    await expect(appender.append(FEED, [{ events: [event("other")] }])).rejects.toThrow(AppendTimeoutError);
    expect(names()).toEqual(["1", "2", "3"]);
  });
});
