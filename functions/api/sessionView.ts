import type { Tail } from "../../shared/queue/tail.ts";
import type { Cursor } from "../../shared/sessions/cursor.ts";
import type { SessionFilter } from "../../shared/sessions/selection.ts";
import type { Session } from "../../shared/sessions/session.ts";
import type { SessionView } from "./schemas.ts";

/** A session as the API shows it, without its secrets. */
export function viewSession(
  session: Session,
  cursor: Cursor,
  tail: Pick<Tail, "next">,
  /** When the message at `cursor.next` was appended; undefined when there is none. */
  nextAppendedAtEpochMillis: number | undefined,
  nowEpochMillis: number,
): SessionView {
  const { lastError } = cursor;
  return {
    id: session.session,
    feed: session.feed,
    kind: session.kind,
    url: session.url,
    format: session.format,
    maxBatch: session.maxBatch,
    filter: session.filter ? viewFilter(session.filter) : null,
    state: shownState(cursor.state),
    next: cursor.next,
    lagMessages: Math.max(0, tail.next - cursor.next),
    lagSeconds:
      nextAppendedAtEpochMillis === undefined
        ? 0
        : Math.max(0, (nowEpochMillis - nextAppendedAtEpochMillis) / 1000),
    attempts: cursor.attempts,
    lastError: lastError
      ? {
          reason: lastError.reason,
          detail: lastError.detail,
          ...(lastError.status === undefined ? {} : { status: lastError.status }),
          at: isoTime(lastError.atEpochMillis),
        }
      : null,
    lastDelivery: isoTimeOrNull(cursor.lastDeliveryEpochMillis),
    createdAt: isoTime(session.createdAtEpochMillis),
    cursor: {
      state: cursor.state,
      segment: cursor.segment,
      fence: cursor.fence,
      lane: cursor.lane,
      leaseUntil: isoTimeOrNull(cursor.leaseUntilEpochMillis),
      dueAt: isoTimeOrNull(cursor.dueAtEpochMillis),
      gap: cursor.gap ?? null,
    },
  };
}

function viewFilter({ types, read, events, eventFilters }: SessionFilter): SessionView["filter"] {
  return {
    ...(types && { types: [...types] }),
    ...(read !== undefined && { read: typeof read === "string" ? read : [...read] }),
    ...(events && { events: [...events] }),
    ...(eventFilters && { eventFilters: [...eventFilters] }),
  };
}

/** The owner does not care whether the session is parked, woken or in a turn at this moment. */
function shownState(state: Cursor["state"]): SessionView["state"] {
  return state === "parked" || state === "signalled" ? "active" : state;
}

function isoTime(epochMillis: number): string {
  return new Date(epochMillis).toISOString();
}

function isoTimeOrNull(epochMillis: number | undefined): string | null {
  return epochMillis === undefined ? null : isoTime(epochMillis);
}
