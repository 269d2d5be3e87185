import type { Role } from "../access/accessKey.ts";
import { type Caller, coversAllFeeds, coversFeed, hasRole } from "../access/caller.ts";
import { HttpProblem } from "./problem.ts";

/** @throws HttpProblem 403 when the caller's key has none of the roles; it names those that would do */
export function requireRole(caller: Caller, roles: readonly Role[]): void {
  if (caller.kind === "management" || hasRole(caller, roles)) return;
  throw new HttpProblem(
    403,
    "key.role",
    `This key has the role ${caller.key.role}. The request needs the role ${roles.join(" or ")}.`,
  );
}

/** @throws HttpProblem 403 when the caller's key does not cover the feed */
export function requireFeed(caller: Caller, feed: string, roles: readonly Role[]): void {
  if (caller.kind === "management" || coversFeed(caller, feed)) return;
  // The feed is not named: of a session's feed the caller may know only that it is another one.
  throw new HttpProblem(
    403,
    "key.feed",
    `This key is for the feeds ${caller.key.feeds.join(", ")}. The request needs a key with the role ${roles.join(" or ")} for its feed.`,
  );
}

/** @throws HttpProblem 403 when the caller's key is limited to some feeds */
export function requireAllFeeds(caller: Caller, roles: readonly Role[]): void {
  if (coversAllFeeds(caller)) return;
  throw new HttpProblem(
    403,
    "key.feed",
    `This key is limited to some feeds. The request needs a key with the role ${roles.join(" or ")} for all feeds.`,
  );
}
