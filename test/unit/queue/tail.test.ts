import { describe, expect, it } from "vitest";
import {
  firstHeld,
  type LastPage,
  readTail,
  type TailSource,
  tailSegment,
} from "../../../shared/queue/tail.ts";
import { FEED, headOf, NOW, tailOf } from "./samples.ts";

/** Answers from a script, entry by entry. An entry is a head or the last pages by segment. */
function scripted(heads: readonly ReturnType<typeof headOf>[], pages: Readonly<Record<number, LastPage>>) {
  const asked: string[] = [];
  let read = 0;
  const source: TailSource = {
    readHead: async () => {
      asked.push("head");
      read += 1;
      return heads[Math.min(read, heads.length) - 1];
    },
    readLastPage: async (_feed, segment) => {
      asked.push(`segment ${segment}`);
      return pages[segment];
    },
  };
  return { source, asked };
}

function lastPage(last: number): LastPage {
  const producers = [{ id: "p", start: 1, next: last, page: last, lastSeenEpochMillis: NOW }];
  return { first: last, count: 1, appendedAtEpochMillis: NOW - last, producers };
}

const read = ({ source }: { source: TailSource }) => readTail(source, FEED, () => NOW);

describe("readTail", () => {
  it("finds no tail for a feed that does not exist", async () => {
    expect(await read(scripted([], {}))).toBeUndefined();
  });

  it("finds the beginning of an empty feed", async () => {
    const script = scripted([headOf()], {});
    const { producers, archived, callMemory, ...emptyTail } = tailOf({ next: 1 });
    expect(await read(script)).toEqual({ ...emptyTail, lastPage: undefined });
    expect(script.asked).toEqual(["head", "segment 0", "head"]);
  });

  it("finds the last page with two reads when the hint's segment is not full", async () => {
    const script = scripted([headOf({ tailHint: 12 })], { 0: lastPage(10), 1: lastPage(17) });
    expect(await read(script)).toMatchObject({
      next: 18,
      lastPage: { producers: lastPage(17).producers },
      lastAppendedAtEpochMillis: NOW - 17,
    });
    expect(script.asked).toEqual(["head", "segment 1"]);
  });

  it("continues while segments are full when the hint is behind", async () => {
    const script = scripted([headOf()], { 0: lastPage(10), 1: lastPage(20), 2: lastPage(23) });
    expect(await read(script)).toMatchObject({ next: 24 });
    expect(script.asked).toEqual(["head", "segment 0", "segment 1", "segment 2"]);
  });

  it("stops at a full segment with no pages after it", async () => {
    const script = scripted([headOf({ tailHint: 20 })], { 1: lastPage(20) });
    expect(await read(script)).toMatchObject({ next: 21, lastAppendedAtEpochMillis: NOW - 20 });
  });

  it("does not take a full segment for the tail whose successor was freed between the two reads", async () => {
    // Before the sweep: the head and the full segment 1. After it: segments 1 and 2 are gone, and the tail is in 3.
    const script = scripted([headOf({ tailHint: 12 }), headOf({ tailHint: 33, headSegment: 3 })], {
      1: lastPage(20),
      3: lastPage(33),
    });
    expect(await read(script)).toMatchObject({ next: 34, headSegment: 3 });
    expect(script.asked).toEqual(["head", "segment 1", "segment 2", "head", "segment 3"]);
  });

  it("never falls below the hint when only the last pages have expired", async () => {
    expect(await read(scripted([headOf({ tailHint: 17 })], { 1: lastPage(14) }))).toMatchObject({ next: 18 });
  });

  it("starts at the head when the hint's segment was freed", async () => {
    const script = scripted([headOf({ tailHint: 5, headSegment: 3 })], { 3: lastPage(34) });
    expect(await read(script)).toMatchObject({ next: 35, headSegment: 3 });
    expect(script.asked).toEqual(["head", "segment 3"]);
  });

  it("starts over when the head moved between the two reads", async () => {
    const script = scripted([headOf(), headOf({ headSegment: 2 })], { 2: lastPage(25) });
    expect(await read(script)).toMatchObject({ next: 26, headSegment: 2 });
    expect(script.asked).toEqual(["head", "segment 0", "head", "segment 2"]);
  });

  it("starts over when only the hint moved", async () => {
    const script = scripted([headOf(), headOf({ tailHint: 31 })], { 3: lastPage(31) });
    expect(await read(script)).toMatchObject({ next: 32 });
  });

  it("trusts the hint when the pages have expired, so that no number is assigned twice", async () => {
    expect(await read(scripted([headOf({ tailHint: 37 })], {}))).toMatchObject({
      next: 38,
      lastPage: undefined,
      lastAppendedAtEpochMillis: 0,
    });
  });

  it("never falls below the head", async () => {
    expect(await read(scripted([headOf({ tailHint: 7, headSegment: 4 })], {}))).toMatchObject({ next: 41 });
  });

  it("dates the tail before its reads, so that it never looks younger than it is", async () => {
    let now = NOW;
    const { source } = scripted([headOf()], { 0: lastPage(3) });
    const slow: TailSource = {
      readHead: (feed) => source.readHead(feed),
      readLastPage: async (feed, segment) => {
        now += 1000;
        return source.readLastPage(feed, segment);
      },
    };
    expect(await readTail(slow, FEED, () => now)).toMatchObject({ readAtEpochMillis: NOW });
  });
});

describe("the borders of a feed", () => {
  it("are the head segment's first number and the last message's segment", () => {
    expect(firstHeld({ headSegment: 3, segmentSize: 10 })).toBe(31);
    expect([1, 2, 11, 12].map((next) => tailSegment({ next, segmentSize: 10 }))).toEqual([0, 0, 0, 1]);
  });
});
