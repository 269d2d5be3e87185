import type { Caller } from "../../shared/access/caller.ts";
import { EventFilterError } from "../../shared/errors.ts";
import { cursorOf } from "../../shared/groups/membership.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import type { MessageFormat } from "../../shared/queue/message.ts";
import { segmentOf } from "../../shared/queue/sequence.ts";
import { type Cursor, newCursor, reconfigure, release } from "../../shared/sessions/cursor.ts";
import { type Selection, type SessionFilter, selectionOf } from "../../shared/sessions/selection.ts";
import { rotateSecret, type WebhookSession } from "../../shared/sessions/session.ts";
import { untilUnchanged } from "../../shared/sessions/unlessChanged.ts";
import { checkWebhookUrl } from "../../shared/webhook/webhookUrl.ts";
import { requireTail } from "./feeds.ts";
import { changeInGroup, type GroupedWish, joinSomeGroup, wakeGroup } from "./groupedSessions.ts";
import type { Birth } from "./idempotency.ts";
import type { ApiParts } from "./parts.ts";
import { resolvePosition } from "./position.ts";
import type { NewWebhookSession, SessionChange } from "./schemas/newSessions.ts";
import type { WebhookSessionView } from "./schemas/sessions.ts";
import { viewCursor } from "./sessionView.ts";
import {
  inSteps,
  isWebhook,
  MOST_ATTEMPTS,
  requireChangeable,
  type StoredWebhook,
  tailOfNewOrOldFeed,
  viewWebhook,
  wishedSteps,
} from "./storedSession.ts";

/** Creates a session, its cursor and its reference in one transaction, in a segment that is still held. */
export async function createWebhookSession(
  parts: ApiParts,
  wanted: NewWebhookSession,
  birth?: Birth,
): Promise<WebhookSessionView & { secret: string }> {
  const url = checkUrl(parts, wanted.url);
  const { interest } = checkFilter(wanted.format, wanted.filter);
  const id = birth?.id ?? parts.newSessionId();
  const secret = birth?.secret ?? parts.newSecret("webhook");
  const sealedSecret = await parts.sealSecret(id, secret, "webhook");
  const nowEpochMillis = parts.clock.nowEpochMillis();
  const session: WebhookSession = {
    session: id,
    feed: wanted.feed,
    kind: "webhook",
    url,
    format: wanted.format,
    maxBatch: wanted.maxBatch,
    filter: wanted.filter,
    compress: wanted.compress,
    secrets: [{ secret: sealedSecret }],
    createdAtEpochMillis: nowEpochMillis,
    idempotency: birth?.idempotency,
  };
  return untilUnchanged(id, MOST_ATTEMPTS, async () => {
    const tail = await tailOfNewOrOldFeed(parts, wanted.feed);
    const place = await resolvePosition(parts.pageTimes, wanted.from, tail);
    const cursor = newCursor({
      feed: wanted.feed,
      session: session.session,
      ...place,
      segmentSize: tail.segmentSize,
      interest,
      nowEpochMillis,
    });
    // Nothing may fail once the session exists: the caller would never see its secret.
    const shown = await viewWebhook(parts, { session, cursor }, tail);
    // A page appended between the read of the tail and the creation of the row found no row to wake.
    if (parts.settings.cursorGroups) {
      const group = await joinSomeGroup(parts, session, place, tail);
      await wakeGroup(parts, group);
      return { ...shown, cursor: viewCursor(cursorOf(group, id) ?? cursor), secret };
    }
    await parts.sessions.create(cursor, session);
    await wake(parts, cursor);
    return { ...shown, secret };
  });
}

/** Changes configuration and cursor in one transaction. The fence grows, so a running turn loses the cursor. */
export async function changeWebhookSession(
  parts: ApiParts,
  id: string,
  change: SessionChange,
  caller: Caller,
): Promise<WebhookSessionView & { secret?: string }> {
  const url = change.url === undefined ? undefined : checkUrl(parts, change.url);
  const secret = change.rotateSecret ? parts.newSecret("webhook") : undefined;
  const sealedSecret = secret === undefined ? undefined : await parts.sealSecret(id, secret, "webhook");
  return untilUnchanged(id, MOST_ATTEMPTS, async () => {
    const stored = await requireChangeable(parts, id, caller);
    if (!isWebhook(stored)) throw new TypeError(`${id} has changed its kind`);
    const { session } = stored;
    const tail = await requireTail(parts, session.feed);
    const nowEpochMillis = parts.clock.nowEpochMillis();
    const overlapMillis = change.rotateSecret === "at-once" ? 0 : parts.settings.secretOverlapMillis;
    const changed: WebhookSession = {
      ...session,
      url: url ?? session.url,
      maxBatch: change.maxBatch ?? session.maxBatch,
      filter: change.filter === undefined ? session.filter : (change.filter ?? undefined),
      compress: change.compress === undefined ? session.compress : (change.compress ?? undefined),
      secrets: sealedSecret
        ? rotateSecret(session.secrets, sealedSecret, overlapMillis, nowEpochMillis)
        : session.secrets,
      idempotency: sealedSecret ? undefined : session.idempotency,
    };
    const place =
      change.next === undefined ? undefined : await resolvePosition(parts.pageTimes, change.next, tail);
    const wish = {
      place,
      state: change.state,
      isFiltered: change.filter !== undefined,
      isRebatched: change.filter !== undefined || change.maxBatch !== undefined,
    };
    const row = await write(parts, stored, changed, wish);
    return {
      ...(await viewWebhook(parts, { session: changed, cursor: row }, tail)),
      ...(secret === undefined ? {} : { secret }),
    };
  });
}

/** Writes the new configuration and the change of the cursor, wakes the session, and returns its cursor. */
async function write(
  parts: ApiParts,
  { cursor, group }: StoredWebhook,
  changed: WebhookSession,
  wish: GroupedWish,
): Promise<Cursor> {
  const interest = wish.isRebatched ? checkFilter(changed.format, changed.filter).interest : undefined;
  if (group !== undefined) {
    const written = await changeInGroup(parts, group, changed, wish);
    await wakeGroup(parts, written);
    return cursorOf(written, changed.session, cursor.lastError) ?? cursor;
  }
  const nowEpochMillis = parts.clock.nowEpochMillis();
  const rowChange = inSteps(cursor, [
    (row) => release(row, nowEpochMillis),
    ...(wish.isRebatched ? [(row: Cursor) => reconfigure(row, interest, nowEpochMillis)] : []),
    ...wishedSteps(wish, nowEpochMillis),
  ]);
  const mustBeHeld = wish.place && segmentOf(wish.place.next, cursor.segmentSize);
  const row = await parts.sessions.change(cursor, rowChange, changed, { mustBeHeld });
  if (row.state === "parked") await wake(parts, row);
  return row;
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

/** The change is durable, so a wake that cannot be sent is left to the sweep. */
async function wake({ wakes, log }: ApiParts, cursor: Cursor): Promise<void> {
  try {
    await wakes.sendWake(cursor);
  } catch (error) {
    const { feed, session } = cursor;
    log.error("a wake could not be sent; the sweep will repair it", { feed, session, error });
  }
}
