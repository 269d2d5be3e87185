import { expect, it } from "vitest";
import { createFollowers } from "../../../shared/queue/follower.ts";
import { systemClock } from "../../../shared/runtime/clock.ts";

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
