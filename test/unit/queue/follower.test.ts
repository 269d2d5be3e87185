import { expect, it } from "vitest";
import { PageUnreadableError } from "../../../shared/errors.ts";
import { createFollowers, Follower } from "../../../shared/queue/follower.ts";
import { decodePage } from "../../../shared/queue/pageCodec.ts";
import { systemClock } from "../../../shared/runtime/clock.ts";
import { FEED, storedPage } from "./samples.ts";

it("a feed's sessions share its follower, and a feed that nobody follows is forgotten", () => {
  const followerOf = createFollowers({ read: async () => [] }, systemClock, undefined, 2);
  const first = followerOf("a", 100);
  followerOf("b", 100);
  expect(followerOf("a", 100)).toBe(first);
  followerOf("c", 100);
  expect(followerOf("a", 100)).toBe(first);
  followerOf("d", 100);
  followerOf("e", 100);
  expect(followerOf("a", 100)).not.toBe(first);
});

it("pages up to an end stop before one that cannot be read, in whichever read it comes", async () => {
  const unreadable = new PageUnreadableError("damaged", { feed: FEED, first: 11, codec: "zstd" });
  const pages = new Map([1, 6].map((first) => [first, decodePage(FEED, storedPage(first, 5))]));
  const read = async (_feed: string, _segmentSize: number, next: number) => {
    if (next >= 11) throw unreadable;
    return [pages.get(next)].filter((page) => page !== undefined);
  };
  const follower = new Follower(FEED, 10, { read }, systemClock);
  expect((await follower.readUpTo(1, 20, 25)).map(({ first }) => first)).toEqual([1, 6]);
  await expect(follower.readUpTo(11, 20, 25)).rejects.toThrow(unreadable);
  // A batch that was begun is repeated whole, or not at all.
  await expect(follower.readThrough(1, 12)).rejects.toThrow(unreadable);
});
