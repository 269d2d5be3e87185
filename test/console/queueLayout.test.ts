import { describe, expect, it } from "vitest";
import type { Feed, Session } from "../../client/index.ts";
import { layOut } from "../../console/browser/queueLayout.ts";

/** A feed of segments of 100, from head on, with a number of sessions counted in each. */
function feedOf(head: number, references: readonly number[], inTail = 50): Feed {
  const last = references.length - 1;
  return {
    feed: "pbx",
    head,
    tail: head + last * 100 + inTail - 1,
    segmentSize: 100,
    segments: references.map((count, index) => ({
      segment: (head - 1) / 100 + index,
      messages: index === last ? inTail : 100,
      references: count,
    })),
  };
}

function userAt(next: number | null, id = `ses_${next}`, feed = "pbx"): Session {
  return {
    id,
    feed,
    kind: "ami",
    username: id,
    read: "all",
    eventFilters: [],
    resume: true,
    multipleLogin: "refuse",
    sequenceHeader: false,
    state: "active",
    connectedSince: null,
    lastLogin: null,
    next,
    lagMessages: 0,
    lagSeconds: 0,
    lastError: null,
    lastDelivery: null,
    createdAt: "2026-11-23T08:00:00Z",
    cursor: null,
  };
}

describe("the picture of a queue", () => {
  it("shows what every session has passed, what is held, and the segment that grows", () => {
    const { blocks } = layOut(feedOf(201, [0, 1, 0, 2]), [], 0.05);
    expect(blocks.map(({ firstSegment, kind, sessions }) => [firstSegment, kind, sessions])).toEqual([
      [2, "passed", 0],
      [3, "held", 1],
      [4, "held", 0],
      [5, "tail", 2],
    ]);
  });

  it("holds nothing for a feed that nobody follows", () => {
    const { blocks, holder } = layOut(feedOf(1, [0, 0, 0]), [], 0.05);
    expect(blocks.map(({ kind }) => kind)).toEqual(["passed", "passed", "tail"]);
    expect(holder).toBeUndefined();
  });

  it("places sessions by their numbers, and the tail where the feed ends", () => {
    const layout = layOut(feedOf(1, [1, 0, 0, 1]), [userAt(351), userAt(101)], 0.05);
    expect(layout.pins.map(({ at }) => at)).toEqual([0.25, 0.875]);
    expect(layout.tailAt).toBe(0.875);
    expect(layout.holder?.next).toBe(101);
  });

  it("joins sessions that stand too close to be told apart", () => {
    const { pins } = layOut(feedOf(1, [3, 0]), [userAt(1), userAt(10), userAt(150)], 0.1);
    expect(pins.map(({ sessions }) => sessions.map(({ next }) => next))).toEqual([[1, 10], [150]]);
  });

  it("leaves out sessions of other feeds and users without a position", () => {
    const { pins } = layOut(feedOf(1, [1]), [userAt(1, "other", "another"), userAt(null, "none")], 0.1);
    expect(pins).toEqual([]);
  });

  it("joins segments when there are too many to be told apart", () => {
    const references = Array.from({ length: 1_000 }, () => 1);
    const { blocks } = layOut(feedOf(1, references), [], 0.05);
    expect(blocks.length).toBeLessThanOrEqual(48);
    expect(blocks.reduce((sum, { sessions }) => sum + sessions, 0)).toBe(1_000);
    expect(blocks[0]).toMatchObject({ first: 1, last: 2_100, firstSegment: 0, lastSegment: 20 });
    expect(blocks.at(-1)).toMatchObject({ kind: "tail", to: 1 });
  });

  it("keeps a session that stands beyond the end within the picture", () => {
    const { pins } = layOut(feedOf(1, [1]), [userAt(1_000_000)], 0.1);
    expect(pins.map(({ at }) => at)).toEqual([1]);
  });
});
