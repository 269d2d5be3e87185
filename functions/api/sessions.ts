import type { z } from "@hono/zod-openapi";
import type { Role } from "../../shared/access/accessKey.ts";
import { type Caller, coversFeed, MAY_MANAGE, MAY_READ } from "../../shared/access/caller.ts";
import { EventFilterError } from "../../shared/errors.ts";
import { requireFeed } from "../../shared/http/authorise.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import type { MessageFormat } from "../../shared/queue/message.ts";
import { type Sequence, segmentOf } from "../../shared/queue/sequence.ts";
import { readTail, type Tail } from "../../shared/queue/tail.ts";
import {
  type Cursor,
  type CursorChange,
  newCursor,
  pause,
  reconfigure,
  release,
  resume,
  seek,
} from "../../shared/sessions/cursor.ts";
import { type Selection, type SessionFilter, selectionOf } from "../../shared/sessions/selection.ts";
import { rotateSecret, type Session } from "../../shared/sessions/session.ts";
import { untilUnchanged } from "../../shared/sessions/unlessChanged.ts";
import { checkWebhookUrl } from "../../shared/webhook/webhookUrl.ts";
import { MAX_ANSWER_BYTES, requireTail } from "./feeds.ts";
import type { ApiParts } from "./parts.ts";
import { resolvePosition } from "./position.ts";
import type { newSession, SessionView, sessionChange } from "./schemas.ts";
import { viewSession } from "./sessionView.ts";

/** Attempts at a change, in case deliver or another caller changes the row at the same moment. */
const MOST_ATTEMPTS = 10;

/** Creates a session, its cursor and its reference in one transaction, in a segment that is still held. */
export async function createSession(
  parts: ApiParts,
  wanted: z.infer<typeof newSession>,
  caller: Caller,
): Promise<SessionView & { secret: string }> {
  requireFeed(caller, wanted.feed, MAY_MANAGE);
  const url = checkUrl(parts, wanted.url);
  const { interest } = checkFilter(wanted.format, wanted.filter);
  const id = parts.newSessionId();
  const secret = parts.newSecret();
  const sealedSecret = await parts.sealSecret(id, secret);
  const nowEpochMillis = parts.clock.nowEpochMillis();
  const session: Session = {
    session: id,
    feed: wanted.feed,
    kind: wanted.kind,
    url,
    format: wanted.format,
    maxBatch: wanted.maxBatch,
    filter: wanted.filter,
    secrets: [{ secret: sealedSecret }],
    createdAtEpochMillis: nowEpochMillis,
  };
  return untilUnchanged(id, MOST_ATTEMPTS, async () => {
    const tail = await tailOfNewOrOldFeed(parts, wanted.feed);
    const cursor = newCursor({
      feed: wanted.feed,
      session: session.session,
      next: resolvePosition(wanted.from, tail),
      segmentSize: tail.segmentSize,
      interest,
      nowEpochMillis,
    });
    // Nothing may fail once the session exists: the caller would never see its secret.
    const shown = await view(parts, session, cursor, tail);
    await parts.sessions.create(cursor, session);
    // A page appended between the read of the tail and the creation of the row found no row to wake.
    await wake(parts, cursor);
    return { ...shown, secret };
  });
}

export async function showSession(parts: ApiParts, id: string, caller: Caller): Promise<SessionView> {
  const { session, cursor } = await requireSession(parts, id, caller, MAY_READ);
  return view(parts, session, cursor, await requireTail(parts, session.feed));
}

/** The sessions of the feeds that the caller's key covers. A page may have fewer than `limit`, or none, and go on. */
export async function listSessions(
  parts: ApiParts,
  { limit, after }: { limit: number; after?: string | undefined },
  caller: Caller,
): Promise<{ sessions: SessionView[]; after?: string }> {
  const page = await parts.sessions.listSessions(limit, after);
  const covered = page.sessions.filter(({ feed }) => coversFeed(caller, feed));
  const cursors = new Map((await parts.cursors.readCursors(covered)).map((each) => [each.session, each]));
  const feeds = [...new Set(covered.map(({ feed }) => feed))];
  const tails = new Map(
    await Promise.all(feeds.map(async (feed) => [feed, await requireTail(parts, feed)] as const)),
  );
  const views = await Promise.all(
    covered.map(async (session) => {
      const cursor = cursors.get(session.session);
      const tail = tails.get(session.feed);
      // A session deleted between the two reads has no row.
      return cursor && tail ? [await view(parts, session, cursor, tail)] : [];
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

/** Changes configuration and cursor in one transaction. The fence grows, so a running turn loses the cursor. */
export async function changeSession(
  parts: ApiParts,
  id: string,
  change: z.infer<typeof sessionChange>,
  caller: Caller,
): Promise<SessionView & { secret?: string }> {
  const url = change.url === undefined ? undefined : checkUrl(parts, change.url);
  const secret = change.rotateSecret ? parts.newSecret() : undefined;
  const sealedSecret = secret === undefined ? undefined : await parts.sealSecret(id, secret);
  return untilUnchanged(id, MOST_ATTEMPTS, async () => {
    const { session, cursor } = await requireSession(parts, id, caller, MAY_MANAGE);
    const tail = await requireTail(parts, session.feed);
    const nowEpochMillis = parts.clock.nowEpochMillis();
    const changed: Session = {
      ...session,
      url: url ?? session.url,
      maxBatch: change.maxBatch ?? session.maxBatch,
      filter: change.filter === undefined ? session.filter : (change.filter ?? undefined),
      secrets: sealedSecret
        ? rotateSecret(session.secrets, sealedSecret, parts.settings.secretOverlapMillis, nowEpochMillis)
        : session.secrets,
    };
    const next = change.next === undefined ? undefined : resolvePosition(change.next, tail);
    const rowChange = cursorChange(cursor, changed, { ...change, next }, nowEpochMillis);
    const mustBeHeld = next === undefined ? undefined : segmentOf(next, tail.segmentSize);
    const row = await parts.sessions.change(cursor, rowChange, changed, { mustBeHeld });
    if (row.state === "parked") await wake(parts, row);
    return { ...(await view(parts, changed, row, tail)), ...(secret === undefined ? {} : { secret }) };
  });
}

/** Deletes a session and its reference in one transaction. */
export async function deleteSession(parts: ApiParts, id: string, caller: Caller): Promise<void> {
  await untilUnchanged(id, MOST_ATTEMPTS, async () => {
    const { cursor } = await requireSession(parts, id, caller, MAY_MANAGE);
    await parts.sessions.remove(cursor);
  });
}

function cursorChange(
  cursor: Cursor,
  session: Session,
  change: {
    filter?: unknown;
    maxBatch?: unknown;
    next?: Sequence | undefined;
    state?: "paused" | "active" | undefined;
  },
  nowEpochMillis: number,
): CursorChange {
  const steps: ((row: Cursor) => CursorChange)[] = [(row) => release(row, nowEpochMillis)];
  if (change.filter !== undefined || change.maxBatch !== undefined)
    steps.push((row) =>
      reconfigure(row, checkFilter(session.format, session.filter).interest, nowEpochMillis),
    );
  const { next, state } = change;
  if (next !== undefined) steps.push((row) => seek(row, next, nowEpochMillis));
  if (state === "paused") steps.push((row) => pause(row, nowEpochMillis));
  if (state === "active") steps.push((row) => resume(row, nowEpochMillis));
  let total: CursorChange = {};
  for (const step of steps) total = { ...total, ...step({ ...cursor, ...total }) };
  return total;
}

function checkUrl({ guard, settings }: ApiParts, text: string): string {
  const checked = checkWebhookUrl(text, { guard, allowHttp: settings.allowHttp });
  if (checked.ok) return checked.url;
  throw new HttpProblem(400, "url.refused", "The webhook's URL cannot be used.", {
    errors: [{ at: "body.url", error: checked.error }],
  });
}

/** @throws HttpProblem 400 when an event filter is malformed */
function checkFilter(format: MessageFormat, filter: SessionFilter | undefined): Selection {
  try {
    return selectionOf(format, filter);
  } catch (error) {
    if (!(error instanceof EventFilterError)) throw error;
    throw new HttpProblem(400, error.code, "The session's filter cannot be used.", {
      errors: [{ at: "body.filter", error: error.message }],
    });
  }
}

async function requireSession(
  parts: ApiParts,
  id: string,
  caller: Caller,
  roles: readonly Role[],
): Promise<{ session: Session; cursor: Cursor }> {
  const session = await parts.sessions.readSession(id);
  const cursor = session && (await parts.cursors.readCursor(session.feed, id));
  if (session === undefined || cursor === undefined)
    throw new HttpProblem(404, "session.unknown", `There is no session ${id}.`);
  requireFeed(caller, session.feed, roles);
  return { session, cursor };
}

/** A session may be created before the first event of its feed. */
async function tailOfNewOrOldFeed(parts: ApiParts, feed: string): Promise<Tail> {
  const tail = await readTail(parts.tails, feed, () => parts.clock.nowEpochMillis());
  if (tail !== undefined) return tail;
  await parts.heads.createFeed(feed, parts.settings.segmentSize);
  return requireTail(parts, feed);
}

async function view(parts: ApiParts, session: Session, cursor: Cursor, tail: Tail): Promise<SessionView> {
  const { feed, next, segmentSize } = cursor;
  const appendedAt =
    next < tail.next
      ? await parts.pageTimes.readAppendTime(feed, segmentOf(next, segmentSize), next)
      : undefined;
  return viewSession(session, cursor, tail, appendedAt, parts.clock.nowEpochMillis());
}

/** The change is durable, so a wake that cannot be sent is left to the sweep. */
async function wake({ wakes, log }: ApiParts, cursor: Cursor): Promise<void> {
  try {
    await wakes.sendWake(cursor);
  } catch (error) {
    const { feed, session } = cursor;
    log.error("a wake could not be sent; the sweep will repair it", { feed, session, error });
  }
}
