import { type Caller, MAY_MANAGE } from "../../shared/access/caller.ts";
import { compileReadFilter } from "../../shared/ami/readFilter.ts";
import { EventFilterError } from "../../shared/errors.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import { segmentOf } from "../../shared/queue/sequence.ts";
import type { Tail } from "../../shared/queue/tail.ts";
import { type Cursor, newCursor, release } from "../../shared/sessions/cursor.ts";
import { type AmiSession, rotateSecret } from "../../shared/sessions/session.ts";
import { untilUnchanged } from "../../shared/sessions/unlessChanged.ts";
import { requireTail } from "./feeds.ts";
import type { Birth } from "./idempotency.ts";
import type { ApiParts } from "./parts.ts";
import { type Place, resolvePosition } from "./position.ts";
import type { NewAmiSession, SessionChange } from "./schemas/newSessions.ts";
import type { AmiSessionView } from "./schemas/sessions.ts";
import {
  type CursorWish,
  inSteps,
  isAmiUser,
  MOST_ATTEMPTS,
  requireSession,
  type StoredAmiUser,
  tailOfNewOrOldFeed,
  viewAmiUser,
  wishedSteps,
} from "./storedSession.ts";

/**
 * Creates an AMI user. With `resume` it stands at the tail from now on, so its first login gets what was appended since.
 * @throws UsernameTakenError
 */
export async function createAmiSession(
  parts: ApiParts,
  wanted: NewAmiSession,
  birth?: Birth,
): Promise<AmiSessionView & { secret: string }> {
  checkEventFilters(wanted.eventFilters);
  const id = birth?.id ?? parts.newSessionId();
  const secret = birth?.secret ?? wanted.secret ?? parts.newSecret("ami");
  const sealedSecret = await parts.sealSecret(id, secret, "ami");
  const session: AmiSession = {
    session: id,
    feed: wanted.feed,
    kind: "ami",
    username: wanted.username,
    read: wanted.read,
    eventFilters: wanted.eventFilters,
    resume: wanted.resume,
    multipleLogin: wanted.multipleLogin,
    sequenceHeader: wanted.sequenceHeader,
    isPaused: false,
    version: 1,
    secrets: [{ secret: sealedSecret }],
    createdAtEpochMillis: parts.clock.nowEpochMillis(),
    idempotency: birth?.idempotency,
  };
  return untilUnchanged(id, MOST_ATTEMPTS, async () => {
    const tail = await tailOfNewOrOldFeed(parts, wanted.feed);
    const cursor = session.resume ? cursorAt(tail, session, tail, parts) : undefined;
    // Nothing may fail once the session exists: the caller would never see its secret.
    const shown = await viewAmiUser(parts, { session, cursor }, tail);
    await parts.sessions.create(cursor, session);
    return { ...shown, secret };
  });
}

/**
 * Changes an AMI user, and its cursor with it. The version grows, so that the user's connections end within seconds, and
 * its next logins are under the new settings.
 */
export async function changeAmiSession(
  parts: ApiParts,
  id: string,
  change: SessionChange,
  caller: Caller,
): Promise<AmiSessionView & { secret?: string }> {
  if (change.eventFilters !== undefined) checkEventFilters(change.eventFilters);
  const isRotated = change.rotateSecret !== undefined || change.secret !== undefined;
  const secret = isRotated ? (change.secret ?? parts.newSecret("ami")) : undefined;
  const sealedSecret = secret === undefined ? undefined : await parts.sealSecret(id, secret, "ami");
  return untilUnchanged(id, MOST_ATTEMPTS, async () => {
    const stored = await requireSession(parts, id, caller, MAY_MANAGE);
    if (!isAmiUser(stored)) throw new TypeError(`${id} has changed its kind`);
    const tail = await requireTail(parts, stored.session.feed);
    const changed = changedSession(parts, stored.session, change, sealedSecret);
    if (change.next !== undefined && !changed.resume)
      throw new HttpProblem(400, "request.invalid", "The request is invalid.", {
        errors: [{ at: "body.next", error: "only a user with resume has a position" }],
      });
    const place =
      change.next === undefined ? undefined : await resolvePosition(parts.pageTimes, change.next, tail);
    const cursor = await write(parts, stored, changed, { place, state: change.state }, tail);
    return {
      ...(await viewAmiUser(parts, { session: changed, cursor }, tail)),
      ...(secret === undefined ? {} : { secret }),
    };
  });
}

function changedSession(
  { clock, settings }: ApiParts,
  session: AmiSession,
  change: SessionChange,
  sealedSecret: string | undefined,
): AmiSession {
  const overlapMillis = change.rotateSecret === "at-once" ? 0 : settings.secretOverlapMillis;
  return {
    ...session,
    read: change.read ?? session.read,
    eventFilters: change.eventFilters ?? session.eventFilters,
    resume: change.resume ?? session.resume,
    multipleLogin: change.multipleLogin ?? session.multipleLogin,
    sequenceHeader: change.sequenceHeader ?? session.sequenceHeader,
    isPaused: change.state === undefined ? session.isPaused : change.state === "paused",
    version: session.version + 1,
    secrets: sealedSecret
      ? rotateSecret(session.secrets, sealedSecret, overlapMillis, clock.nowEpochMillis())
      : session.secrets,
    idempotency: sealedSecret ? undefined : session.idempotency,
  };
}

/** Writes the user and the change of its cursor in one transaction, and returns the cursor. */
async function write(
  parts: ApiParts,
  { cursor }: StoredAmiUser,
  changed: AmiSession,
  wish: CursorWish,
  tail: Tail,
): Promise<Cursor | undefined> {
  const nowEpochMillis = parts.clock.nowEpochMillis();
  if (cursor === undefined && !changed.resume) {
    await parts.sessions.replace(changed);
    return undefined;
  }
  if (cursor === undefined) {
    const born = cursorAt(wish.place ?? tail, changed, tail, parts);
    await parts.sessions.addCursor(born, changed);
    return born;
  }
  if (!changed.resume) {
    await parts.sessions.removeCursor(cursor, changed);
    return undefined;
  }
  const rowChange = inSteps(cursor, [
    (row) => release(row, nowEpochMillis),
    ...wishedSteps(wish, nowEpochMillis),
  ]);
  const mustBeHeld = wish.place && segmentOf(wish.place.next, tail.segmentSize);
  return parts.sessions.change(cursor, rowChange, changed, { mustBeHeld });
}

function cursorAt({ next, gap }: Place, session: AmiSession, tail: Tail, { clock }: ApiParts): Cursor {
  const cursor = newCursor({
    feed: session.feed,
    session: session.session,
    kind: "ami",
    next,
    gap,
    segmentSize: tail.segmentSize,
    interest: undefined,
    nowEpochMillis: clock.nowEpochMillis(),
  });
  return session.isPaused ? { ...cursor, state: "paused" } : cursor;
}

/** @throws HttpProblem 400 when an event filter is malformed */
function checkEventFilters(eventFilters: readonly string[]): void {
  try {
    compileReadFilter({ eventFilters });
  } catch (error) {
    if (!(error instanceof EventFilterError)) throw error;
    throw new HttpProblem(400, error.code, "The user's event filters cannot be used.", {
      errors: [{ at: "body.eventFilters", error: error.message }],
    });
  }
}
