import type { z } from "@hono/zod-openapi";
import { type Caller, coversFeed, MAY_MANAGE, MAY_READ } from "../../shared/access/caller.ts";
import { requireFeed } from "../../shared/http/authorise.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import type { SessionKind } from "../../shared/sessions/session.ts";
import { untilUnchanged } from "../../shared/sessions/unlessChanged.ts";
import { changeAmiSession, createAmiSession } from "./amiSessions.ts";
import { MAX_ANSWER_BYTES, requireTail } from "./feeds.ts";
import { leaveGroup } from "./groupedSessions.ts";
import { type Birth, type IdempotentCall, newBirth, secretAgain, sessionIdOf } from "./idempotency.ts";
import type { ApiParts } from "./parts.ts";
import type { newSession, SessionChange } from "./schemas/newSessions.ts";
import type { changedSession, createdSession, SessionView } from "./schemas/sessions.ts";
import { isWebhook, MOST_ATTEMPTS, requireChangeable, requireSession, viewSession } from "./storedSession.ts";
import { readAllStored } from "./storedSessions.ts";
import { changeWebhookSession, createWebhookSession } from "./webhookSessions.ts";

type Created = z.infer<typeof createdSession>;

/** @param call for a request with an Idempotency-Key */
export async function createSession(
  parts: ApiParts,
  wanted: z.infer<typeof newSession>,
  caller: Caller,
  call?: IdempotentCall,
): Promise<Created> {
  requireFeed(caller, wanted.feed, MAY_MANAGE);
  if (call === undefined) return create(parts, wanted);
  const earlier = await createdBefore(parts, wanted, call);
  if (earlier !== undefined) return earlier;
  try {
    return await create(parts, wanted, newBirth(parts, call, wanted));
  } catch (error) {
    // Another request with the same key may have been faster.
    const other = await createdBefore(parts, wanted, call);
    if (other === undefined) throw error;
    return other;
  }
}

function create(parts: ApiParts, wanted: z.infer<typeof newSession>, birth?: Birth): Promise<Created> {
  return wanted.kind === "ami"
    ? createAmiSession(parts, wanted, birth)
    : createWebhookSession(parts, wanted, birth);
}

/** The session that an earlier request with this key has created, as it is now. */
async function createdBefore(
  parts: ApiParts,
  wanted: z.infer<typeof newSession>,
  call: IdempotentCall,
): Promise<Created | undefined> {
  const id = sessionIdOf(call);
  const session = await parts.sessions.readSession(id);
  if (session === undefined) return undefined;
  const secret = secretAgain(parts, session, call, wanted);
  return { ...(await showSession(parts, id, call.caller)), secret };
}

export async function showSession(parts: ApiParts, id: string, caller: Caller): Promise<SessionView> {
  const stored = await requireSession(parts, id, caller, MAY_READ);
  return viewSession(parts, stored, await requireTail(parts, stored.session.feed));
}

/** The sessions of the feeds that the caller's key covers. A page may have fewer than `limit`, or none, and go on. */
export async function listSessions(
  parts: ApiParts,
  { limit, after }: { limit: number; after?: string | undefined },
  caller: Caller,
): Promise<{ sessions: SessionView[]; after?: string }> {
  const page = await parts.sessions.listSessions(limit, after);
  const covered = page.sessions.filter(({ feed }) => coversFeed(caller, feed));
  const feeds = [...new Set(covered.map(({ feed }) => feed))];
  const [stored, tails] = await Promise.all([
    readAllStored(parts, covered),
    Promise.all(feeds.map(async (feed) => [feed, await requireTail(parts, feed)] as const)),
  ]);
  const tailOf = new Map(tails);
  const views = await Promise.all(
    stored.map(async (each) => {
      const tail = tailOf.get(each.session.feed);
      return tail ? [await viewSession(parts, each, tail)] : [];
    }),
  );
  return asMuchAsFits(views.flat(), page.last);
}

/** Keeps the first sessions that fit into a response. `last` is where the table's own page ends. */
function asMuchAsFits(
  views: readonly SessionView[],
  last: string | undefined,
): { sessions: SessionView[]; after?: string } {
  const sessions: SessionView[] = [];
  let bytes = 0;
  for (const each of views) {
    bytes += Buffer.byteLength(JSON.stringify(each));
    const before = sessions.at(-1);
    if (before !== undefined && bytes > MAX_ANSWER_BYTES) return { sessions, after: before.id };
    sessions.push(each);
  }
  return { sessions, ...(last === undefined ? {} : { after: last }) };
}

/** The fields of a change that only sessions of this kind have. */
const OWN_FIELDS: Readonly<Record<SessionKind, readonly (keyof SessionChange)[]>> = {
  webhook: ["url", "filter", "maxBatch", "compress"],
  ami: ["secret", "read", "eventFilters", "resume", "multipleLogin", "sequenceHeader"],
};

export async function changeSession(
  parts: ApiParts,
  id: string,
  change: SessionChange,
  caller: Caller,
): Promise<z.infer<typeof changedSession>> {
  const { session } = await requireChangeable(parts, id, caller);
  const other = session.kind === "ami" ? "webhook" : "ami";
  const foreign = OWN_FIELDS[other].filter((field) => change[field] !== undefined);
  if (foreign.length > 0)
    throw new HttpProblem(400, "request.invalid", "The request is invalid.", {
      errors: foreign.map((field) => ({
        at: `body.${field}`,
        error: `a session of kind ${session.kind} has no such field`,
      })),
    });
  return session.kind === "ami"
    ? changeAmiSession(parts, id, change, caller)
    : changeWebhookSession(parts, id, change, caller);
}

/** Deletes a session and its reference in one transaction. */
export async function deleteSession(parts: ApiParts, id: string, caller: Caller): Promise<void> {
  await untilUnchanged(id, MOST_ATTEMPTS, async () => {
    const stored = await requireChangeable(parts, id, caller);
    if (isWebhook(stored) && stored.group !== undefined)
      await leaveGroup(parts, stored.session, stored.group);
    else await parts.sessions.remove(stored.cursor, stored.session);
  });
}
