import type { AccessKey, Role } from "./accessKey.ts";
import { ALL_FEEDS, matchesFeed } from "./feedPattern.ts";

/** Who calls: the holder of the management key, which may do everything, or of a key from the Keys table. */
export type Caller = { readonly kind: "management" } | { readonly kind: "key"; readonly key: AccessKey };

export const MANAGEMENT: Caller = { kind: "management" };

/** The roles that may do something. A manager may do everything. */
export const MAY_MANAGE: readonly Role[] = ["manager"];
export const MAY_READ: readonly Role[] = ["reader", "manager"];
export const MAY_APPEND: readonly Role[] = ["producer", "manager"];

export function hasRole(caller: Caller, roles: readonly Role[]): boolean {
  return caller.kind === "management" || roles.includes(caller.key.role);
}

export function coversFeed(caller: Caller, feed: string): boolean {
  return caller.kind === "management" || matchesFeed(caller.key.feeds, feed);
}

/** A key can be made for any feed, so only who covers all feeds may make one. */
export function coversAllFeeds(caller: Caller): boolean {
  return caller.kind === "management" || caller.key.feeds.includes(ALL_FEEDS);
}
