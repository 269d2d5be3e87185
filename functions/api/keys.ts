import type { z } from "@hono/zod-openapi";
import type { AccessKey } from "../../shared/access/accessKey.ts";
import { type Caller, MAY_MANAGE } from "../../shared/access/caller.ts";
import { ALL_FEEDS } from "../../shared/access/feedPattern.ts";
import { requireAllFeeds } from "../../shared/http/authorise.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import type { ApiParts } from "./parts.ts";
import type { KeyView, newKey } from "./schemas/keys.ts";

/** Makes a key. Its text is in this answer and nowhere else. */
export async function createKey(
  parts: ApiParts,
  { name, role, feeds = [ALL_FEEDS], requestsPerSecond }: z.output<typeof newKey>,
  caller: Caller,
): Promise<KeyView & { key: string }> {
  requireAllFeeds(caller, MAY_MANAGE);
  const { id, text, hash } = parts.newKeyText();
  const createdAtEpochMillis = parts.clock.nowEpochMillis();
  const key: AccessKey = { id, hash, name, role, feeds, requestsPerSecond, createdAtEpochMillis };
  await parts.keys.createKey(key);
  return { ...viewKey(key, undefined), key: text };
}

export async function listKeys(
  parts: ApiParts,
  { limit, after }: { limit: number; after?: string | undefined },
  caller: Caller,
): Promise<{ keys: KeyView[]; after?: string }> {
  requireAllFeeds(caller, MAY_MANAGE);
  const { keys, last } = await parts.keys.listKeys(limit, after);
  return {
    keys: keys.map(({ key, usedAtEpochMillis }) => viewKey(key, usedAtEpochMillis)),
    ...(last === undefined ? {} : { after: last }),
  };
}

/** Revokes a key. Processes that have looked it up go on accepting it for up to 30 s (`keyRing.ts`). */
export async function deleteKey(parts: ApiParts, id: string, caller: Caller): Promise<void> {
  requireAllFeeds(caller, MAY_MANAGE);
  if (!(await parts.keys.removeKey(id))) throw new HttpProblem(404, "key.unknown", `There is no key ${id}.`);
}

function viewKey(key: AccessKey, usedAtEpochMillis: number | undefined): KeyView {
  return {
    id: key.id,
    name: key.name,
    role: key.role,
    feeds: [...key.feeds],
    requestsPerSecond: key.requestsPerSecond,
    createdAt: new Date(key.createdAtEpochMillis).toISOString(),
    lastUsed: usedAtEpochMillis === undefined ? null : new Date(usedAtEpochMillis).toISOString(),
  };
}
