import type { Tail } from "../../shared/queue/tail.ts";
import { type Cursor, isHeld } from "../../shared/sessions/cursor.ts";
import type { SessionFilter } from "../../shared/sessions/selection.ts";
import type { AmiSession, WebhookSession } from "../../shared/sessions/session.ts";
import type { AmiSessionView, CursorView, WebhookSessionView } from "./schemas/sessions.ts";

/** Where a session stands. */
export interface Standing {
  readonly cursor: Cursor;
  readonly tail: Pick<Tail, "next">;
  /** When the message at `cursor.next` was appended; undefined when there is none. */
  readonly nextAppendedAtEpochMillis: number | undefined;
  readonly nowEpochMillis: number;
}

/** A webhook session as the API shows it, without its secrets. */
export function viewWebhookSession(session: WebhookSession, standing: Standing): WebhookSessionView {
  const { cursor } = standing;
  return {
    id: session.session,
    feed: session.feed,
    kind: session.kind,
    url: session.url,
    format: session.format,
    maxBatch: session.maxBatch,
    filter: session.filter ? viewFilter(session.filter) : null,
    compress: session.compress ?? null,
    state: shownState(cursor.state),
    next: cursor.next,
    ...lagOf(standing),
    attempts: cursor.attempts,
    lastError: viewError(cursor.lastError),
    lastDelivery: isoTimeOrNull(cursor.lastDeliveryEpochMillis),
    createdAt: isoTime(session.createdAtEpochMillis),
    cursor: viewCursor(cursor),
  };
}

/**
 * An AMI user as the API shows it, without its secrets.
 * @param standing undefined for a user without a position
 */
export function viewAmiSession(session: AmiSession, standing: Standing | undefined): AmiSessionView {
  const cursor = standing?.cursor;
  const isConnected = standing !== undefined && isHeld(standing.cursor, standing.nowEpochMillis);
  return {
    id: session.session,
    feed: session.feed,
    kind: session.kind,
    username: session.username,
    read: session.read,
    eventFilters: [...session.eventFilters],
    resume: session.resume,
    multipleLogin: session.multipleLogin,
    sequenceHeader: session.sequenceHeader,
    state: session.isPaused ? "paused" : cursor?.state === "suspended" ? "suspended" : "active",
    connectedSince: isConnected ? isoTimeOrNull(cursor?.heldSinceEpochMillis) : null,
    lastLogin: isoTimeOrNull(cursor?.heldSinceEpochMillis),
    next: cursor?.next ?? null,
    ...(standing ? lagOf(standing) : { lagMessages: null, lagSeconds: null }),
    lastError: viewError(cursor?.lastError),
    lastDelivery: isoTimeOrNull(cursor?.lastDeliveryEpochMillis),
    createdAt: isoTime(session.createdAtEpochMillis),
    cursor: cursor ? viewCursor(cursor) : null,
  };
}

function lagOf({ cursor, tail, nextAppendedAtEpochMillis, nowEpochMillis }: Standing) {
  return {
    lagMessages: Math.max(0, tail.next - cursor.next),
    lagSeconds:
      nextAppendedAtEpochMillis === undefined
        ? 0
        : Math.max(0, (nowEpochMillis - nextAppendedAtEpochMillis) / 1000),
  };
}

function viewError(lastError: Cursor["lastError"]): WebhookSessionView["lastError"] {
  if (lastError === undefined) return null;
  const { reason, detail, status, atEpochMillis } = lastError;
  return { reason, detail, ...(status === undefined ? {} : { status }), at: isoTime(atEpochMillis) };
}

export function viewCursor(cursor: Cursor): CursorView {
  return {
    state: cursor.state,
    segment: cursor.segment,
    fence: cursor.fence,
    lane: cursor.lane,
    leaseUntil: isoTimeOrNull(cursor.leaseUntilEpochMillis),
    dueAt: isoTimeOrNull(cursor.dueAtEpochMillis),
    gap: cursor.gap ?? null,
  };
}

function viewFilter({ types, read, events, eventFilters }: SessionFilter): WebhookSessionView["filter"] {
  return {
    ...(types && { types: [...types] }),
    ...(read !== undefined && { read: typeof read === "string" ? read : [...read] }),
    ...(events && { events: [...events] }),
    ...(eventFilters && { eventFilters: [...eventFilters] }),
  };
}

/** The owner does not care whether the session is parked, woken or in a turn at this moment. */
function shownState(state: Cursor["state"]): WebhookSessionView["state"] {
  return state === "parked" || state === "signalled" ? "active" : state;
}

function isoTime(epochMillis: number): string {
  return new Date(epochMillis).toISOString();
}

function isoTimeOrNull(epochMillis: number | undefined): string | null {
  return epochMillis === undefined ? null : isoTime(epochMillis);
}
