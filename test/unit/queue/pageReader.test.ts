import { describe, expect, it } from "vitest";
import { PageUnreadableError } from "../../../shared/errors.ts";
import { lastOf, type Page, type StoredPage } from "../../../shared/queue/page.ts";
import { decodePage } from "../../../shared/queue/pageCodec.ts";
import { PageReader, type PageSource } from "../../../shared/queue/pageReader.ts";
import { segmentOf } from "../../../shared/queue/sequence.ts";
import { FEED, storedPage } from "./samples.ts";

const SIZE = 1000;

/** The pages of one feed. It records every query. */
class CountedPages implements PageSource {
  readonly asked: string[] = [];
  readonly pages: StoredPage[];

  constructor(...pages: StoredPage[]) {
    this.pages = pages;
  }

  async readPagesFrom(_feed: string, segment: number, sequence: number): Promise<StoredPage[]> {
    this.asked.push(`from ${sequence}`);
    return this.#of(segment).filter(({ first }) => first >= sequence);
  }

  async readPageBefore(_feed: string, segment: number, sequence: number): Promise<StoredPage | undefined> {
    this.asked.push(`before ${sequence}`);
    return this.#of(segment).findLast(({ first }) => first <= sequence);
  }

  #of(segment: number): StoredPage[] {
    return this.pages.filter(({ first }) => segmentOf(first, SIZE) === segment);
  }
}

function reader(source: PageSource, maxBytes = 1e9) {
  const pages = new PageReader(source, maxBytes);
  return (next: number, feed = FEED) => pages.read(feed, SIZE, next);
}

const firsts = (pages: readonly Page[]) => pages.map(({ first }) => first);
const textBytes = decodePage(FEED, storedPage(1, 10)).textBytes;

describe("PageReader", () => {
  it("reads consecutive pages and unpacks them", async () => {
    const read = reader(new CountedPages(storedPage(1, 10), storedPage(11, 5)));
    const pages = await read(1);
    expect(pages.map(({ first, count, messages }) => [first, count, messages.length])).toEqual([
      [1, 10, 10],
      [11, 5, 5],
    ]);
  });

  it("does not return an empty result from a read that began before the question", async () => {
    const source = new CountedPages();
    const answered = Promise.withResolvers<void>();
    const readPagesFrom = source.readPagesFrom.bind(source);
    // The first request finds nothing, and its response takes a while.
    source.readPagesFrom = async (...asked) => {
      const pages = await readPagesFrom(...asked);
      if (source.asked.length === 1) await answered.promise;
      return pages;
    };
    const read = reader(source);
    const before = read(1);
    source.pages.push(storedPage(1, 10));
    // These reads begin after the append: one of a session that has just parked, and many others.
    const after = Promise.all(Array.from({ length: 100 }, () => read(1)));
    answered.resolve();
    expect(await before).toEqual([]);
    expect((await after).map(firsts).every((found) => String(found) === "1")).toBe(true);
    expect(source.asked).toEqual(["from 1", "from 1"]);
  });

  it("shares one read among all concurrent requests for the same number", async () => {
    const source = new CountedPages(storedPage(1, 10));
    const read = reader(source);
    const answers = await Promise.all(Array.from({ length: 100 }, () => read(1)));
    expect(source.asked).toEqual(["from 1"]);
    expect(new Set(answers.map(firsts).map(String))).toEqual(new Set(["1"]));
  });

  it("keeps feeds apart", async () => {
    const source = new CountedPages(storedPage(1, 10));
    const read = reader(source);
    await Promise.all([read(1), read(1, "pbx-2")]);
    await read(1, "pbx-2");
    expect(source.asked).toEqual(["from 1", "from 1"]);
  });

  it("answers from the cache, also from the middle of a page", async () => {
    const source = new CountedPages(storedPage(1, 10), storedPage(11, 5));
    const read = reader(source);
    await read(1);
    expect([
      firsts(await read(1)),
      firsts(await read(7)),
      firsts(await read(11)),
      firsts(await read(15)),
    ]).toEqual([[1, 11], [1, 11], [11], [11]]);
    expect(source.asked).toEqual(["from 1"]);
  });

  it("finds the page that holds a number in its middle with a second query", async () => {
    const source = new CountedPages(storedPage(1, 10), storedPage(11, 5));
    expect(firsts(await reader(source)(7))).toEqual([1, 11]);
    expect(source.asked).toEqual(["from 7", "before 7"]);
  });

  it("needs no second query at a known page border", async () => {
    const source = new CountedPages(storedPage(1, 10));
    const read = reader(source);
    await read(1);
    expect(await read(11)).toEqual([]);
    source.pages.push(storedPage(11, 5));
    expect(firsts(await read(11))).toEqual([11]);
    expect(source.asked).toEqual(["from 1", "from 11", "from 11"]);
  });

  it("needs no second query at the beginning of a segment", async () => {
    const source = new CountedPages();
    expect(await reader(source)(2 * SIZE + 1)).toEqual([]);
    expect(source.asked).toEqual(["from 2001"]);
  });

  it("never caches a missing page: a page appended a moment ago is found", async () => {
    const source = new CountedPages();
    const read = reader(source);
    expect(await read(1)).toEqual([]);
    source.pages.push(storedPage(1, 3));
    expect(firsts(await read(1))).toEqual([1]);
    expect(await read(4)).toEqual([]);
    source.pages.push(storedPage(4, 3));
    expect(firsts(await read(4))).toEqual([4]);
  });

  it("reads again after a failed read", async () => {
    const source = new CountedPages(storedPage(1, 3));
    let failing = true;
    const read = reader({
      readPagesFrom: (...which) =>
        failing ? Promise.reject(new Error("throttled")) : source.readPagesFrom(...which),
      readPageBefore: (...which) => source.readPageBefore(...which),
    });
    await expect(Promise.all([read(1), read(1)])).rejects.toThrow("throttled");
    failing = false;
    expect(firsts(await read(1))).toEqual([1]);
  });

  it("stops at a hole, and begins after one when the first page is gone", async () => {
    const read = reader(new CountedPages(storedPage(1, 10), storedPage(21, 5)));
    expect(firsts(await read(1))).toEqual([1]);
    expect(firsts(await read(11))).toEqual([21]);
  });

  it("returns pages of one segment only, both from the cache and from the table", async () => {
    const last = storedPage(SIZE - 4, 5);
    const read = reader(new CountedPages(last, storedPage(SIZE + 1, 5)));
    await read(SIZE + 1);
    expect(firsts(await read(SIZE - 4))).toEqual([SIZE - 4]);
    expect(firsts(await read(SIZE - 4))).toEqual([SIZE - 4]);
  });

  it("evicts the least recently used page when the cache is full", async () => {
    const source = new CountedPages(storedPage(1, 10), storedPage(1001, 10), storedPage(2001, 10));
    const read = reader(source, textBytes * 2.5);
    for (const next of [1, 1001, 1, 2001]) await read(next);
    source.asked.length = 0;
    await read(1);
    await read(2001);
    expect(source.asked).toEqual([]);
    await read(1001);
    expect(source.asked).toEqual(["from 1001"]);
  });

  it("keeps the newest page even when it alone is larger than the cache", async () => {
    const source = new CountedPages(storedPage(1, 10), storedPage(11, 10));
    const read = reader(source, 1);
    expect(firsts(await read(1))).toEqual([1, 11]);
    expect(firsts(await read(11))).toEqual([11]);
    expect(source.asked).toEqual(["from 1"]);
  });

  it("returns a bounded number of pages, however many are cached", async () => {
    const pages = Array.from({ length: 100 }, (_, n) => storedPage(1 + n, 1));
    const read = reader(new CountedPages(...pages));
    await read(1);
    const again = await read(1);
    expect(again.length).toBeLessThan(50);
    expect(again.map(lastOf)).toEqual(again.map((_, index) => index + 1));
  });

  it("does not return a page that it cannot read", async () => {
    const read = reader(new CountedPages(storedPage(1, 3, { checksum: 1 })));
    await expect(read(1)).rejects.toThrow(PageUnreadableError);
    await expect(read(1)).rejects.toThrow(PageUnreadableError);
  });

  it("returns the pages before one that it cannot read, and those after it to whoever stands behind it", async () => {
    const read = reader(
      new CountedPages(
        storedPage(1, 3),
        storedPage(4, 2),
        storedPage(6, 3, { checksum: 1 }),
        storedPage(9, 1),
      ),
    );
    for (let time = 0; time < 2; time += 1) {
      expect(firsts(await read(1))).toEqual([1, 4]);
      await expect(read(6)).rejects.toThrow(PageUnreadableError);
      await expect(read(7)).rejects.toThrow(PageUnreadableError);
      expect(firsts(await read(9))).toEqual([9]);
    }
  });
});
