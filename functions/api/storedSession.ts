import type { Role } from "../../shared/access/accessKey.ts";
import { type Caller, MAY_MANAGE } from "../../shared/access/caller.ts";
import type { CursorGroup } from "../../shared/groups/group.ts";
import { cursorOf } from "../../shared/groups/membership.ts";
import type { UnreadableGroup } from "../../shared/groups/unreadable.ts";
import { requireFeed } from "../../shared/http/authorise.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import { firstOfSegment, segmentOf } from "../../shared/queue/sequence.ts";
import { readTail, type Tail } from "../../shared/queue/tail.ts";
import {
  type Cursor,
  type CursorChange,
  type DeliveryFailure,
  newCursor,
  pause,
  resume,
  seek,
} from "../../shared/sessions/cursor.ts";
import type { AmiSession, Session, WebhookSession } from "../../shared/sessions/session.ts";
import { requireTail } from "./feeds.ts";
import type { ApiParts } from "./parts.ts";
import type { Place } from "./position.ts";
import type { AmiSessionView, SessionView, WebhookSessionView } from "./schemas/sessions.ts";
import { type Standing, viewAmiSession, viewWebhookSession } from "./sessionView.ts";

/** Attempts at a change, in case a holder or another caller changes the row at the same moment. */
export const MOST_ATTEMPTS = 10;

export interface StoredWebhook {
  readonly session: WebhookSession;
  readonly cursor: Cursor;
  /** The group that holds the cursor; absent while the session has a row of its own. */
  readonly group?: CursorGroup;
  /** The group's row cannot be read: the cursor stands for what is known of it, and cannot be changed. */
  readonly isUnreadable?: true;
}

export interface StoredAmiUser {
  readonly session: AmiSession;
  /** Undefined without `resume`. */
  readonly cursor: Cursor | undefined;
}

export type StoredSession = StoredWebhook | StoredAmiUser;

/** Reads of a session, in case its cursor moves into a group, comes or goes between the reads of its rows. */
const MOST_READS = 3;

/** A session with its cursor; undefined when there is none, or it is being deleted. */
export async function readStored(parts: ApiParts, id: string): Promise<StoredSession | undefined> {
  for (let read = 1; read <= MOST_READS; read += 1) {
    const session = await parts.sessions.readSession(id);
    if (session === undefined) return undefined;
    const stored = await readStoredCursor(parts, session);
    if (stored !== undefined) return stored;
  }
  return undefined;
}

async function readStoredCursor(parts: ApiParts, session: Session): Promise<StoredSession | undefined> {
  const { feed, session: id } = session;
  if (session.kind === "ami" || session.group === undefined)
    return storedSession(session, await parts.cursors.readCursor(feed, id));
  const read = await parts.groups.readGroups([{ feed, group: session.group }]);
  const [unreadable] = read.unreadable;
  if (unreadable !== undefined) return storedUnreadable(session, unreadable, parts.clock.nowEpochMillis());
  const [group] = read.groups;
  const isFailing = (group?.cursors[id]?.attempts ?? 0) > 0;
  const errors = isFailing ? await parts.groups.readErrors([session]) : undefined;
  return group && storedInGroup(session, group, errors?.get(id));
}

/** A session with its cursor in a group; undefined when it has left the group. */
export function storedInGroup(
  session: WebhookSession,
  group: CursorGroup,
  lastError: DeliveryFailure | undefined,
): StoredWebhook | undefined {
  const cursor = cursorOf(group, session.session, lastError);
  return cursor && { session, cursor, group };
}

/** A session whose group cannot be read: it gets nothing, and stands no earlier than its group is counted. */
export function storedUnreadable(
  session: WebhookSession,
  { reason, reference }: UnreadableGroup,
  nowEpochMillis: number,
): StoredWebhook {
  const { segment, segmentSize } = reference ?? { segment: 0, segmentSize: 1 };
  const cursor: Cursor = {
    ...newCursor({
      feed: session.feed,
      session: session.session,
      next: firstOfSegment(segment, segmentSize),
      segmentSize,
      interest: undefined,
      nowEpochMillis,
    }),
    state: "suspended",
    lastError: {
      reason: "group.unreadable",
      detail: `the session's position cannot be read: ${reason}`,
      atEpochMillis: nowEpochMillis,
    },
  };
  return { session, cursor, isUnreadable: true };
}

/** Puts a session's two rows together; undefined when the cursor is missing, as while the session is deleted. */
export function storedSession(session: Session, cursor: Cursor | undefined): StoredSession | undefined {
  if (session.kind === "ami")
    return session.resume === (cursor !== undefined) ? { session, cursor } : undefined;
  return cursor && { session, cursor };
}

export function isAmiUser(stored: StoredSession): stored is StoredAmiUser {
  return stored.session.kind === "ami";
}

export function isWebhook(stored: StoredSession): stored is StoredWebhook {
  return stored.session.kind === "webhook";
}

/** @throws HttpProblem 404 when there is no such session, 403 when the caller's key does not cover its feed */
export async function requireSession(
  parts: ApiParts,
  id: string,
  caller: Caller,
  roles: readonly Role[],
): Promise<StoredSession> {
  const stored = await readStored(parts, id);
  if (stored === undefined) throw new HttpProblem(404, "session.unknown", `There is no session ${id}.`);
  requireFeed(caller, stored.session.feed, roles);
  return stored;
}

/**
 * The same for a manager who wants to change, test or delete the session.
 * @throws HttpProblem 409 when the session's position cannot be read
 */
export async function requireChangeable(parts: ApiParts, id: string, caller: Caller): Promise<StoredSession> {
  const stored = await requireSession(parts, id, caller, MAY_MANAGE);
  if (isWebhook(stored) && stored.isUnreadable)
    throw new HttpProblem(
      409,
      "group.unreadable",
      "The session's position cannot be read. Whoever runs the relay must repair it first.",
    );
  return stored;
}

/** A session may be created before the first event of its feed. */
export async function tailOfNewOrOldFeed(parts: ApiParts, feed: string): Promise<Tail> {
  const tail = await readTail(parts.tails, feed, () => parts.clock.nowEpochMillis());
  if (tail !== undefined) return tail;
  await parts.heads.createFeed(feed, parts.settings.segmentSize);
  return requireTail(parts, feed);
}

export function viewSession(parts: ApiParts, stored: StoredSession, tail: Tail): Promise<SessionView> {
  return isWebhook(stored) ? viewWebhook(parts, stored, tail) : viewAmiUser(parts, stored, tail);
}

export async function viewWebhook(
  parts: ApiParts,
  { session, cursor }: StoredWebhook,
  tail: Tail,
): Promise<WebhookSessionView> {
  return viewWebhookSession(session, await standingOf(parts, cursor, tail));
}

export async function viewAmiUser(
  parts: ApiParts,
  { session, cursor }: StoredAmiUser,
  tail: Tail,
): Promise<AmiSessionView> {
  return viewAmiSession(session, cursor && (await standingOf(parts, cursor, tail)));
}

async function standingOf(parts: ApiParts, cursor: Cursor, tail: Tail): Promise<Standing> {
  const { feed, next, segmentSize } = cursor;
  const nextAppendedAtEpochMillis =
    next < tail.next
      ? await parts.pageTimes.readAppendTime(feed, segmentOf(next, segmentSize), next)
      : undefined;
  return { cursor, tail, nextAppendedAtEpochMillis, nowEpochMillis: parts.clock.nowEpochMillis() };
}

/** What a person asks of a cursor. */
export interface CursorWish {
  readonly place?: Place | undefined;
  readonly state?: "paused" | "active" | undefined;
}

/** The steps that fulfil a wish, for `inSteps`. */
export function wishedSteps({ place, state }: CursorWish, nowEpochMillis: number): CursorStep[] {
  return [
    ...(place === undefined ? [] : [(row: Cursor) => seek(row, place.next, nowEpochMillis, place.gap)]),
    ...(state === "paused" ? [(row: Cursor) => pause(row, nowEpochMillis)] : []),
    ...(state === "active" ? [(row: Cursor) => resume(row, nowEpochMillis)] : []),
  ];
}

type CursorStep = (row: Cursor) => CursorChange;

/** Several changes of one row as one. */
export function inSteps(cursor: Cursor, steps: readonly CursorStep[]): CursorChange {
  let total: CursorChange = {};
  for (const step of steps) total = { ...total, ...step({ ...cursor, ...total }) };
  return total;
}
