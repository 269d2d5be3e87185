import { GroupUnreadableError } from "../errors.ts";
import type { GapReason } from "../queue/message.ts";
import type { CursorGap } from "../sessions/cursor.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { type CursorGroup, GROUP_SESSIONS } from "./group.ts";
import type { GroupCursor } from "./groupCursor.ts";

/*
 * The cursors of a group as one binary value. It is written with every page, so it is small: 21 bytes for a session at the
 * tail.
 *
 *   version 1, count, furthest `next`, latest delivery, then each cursor:
 *   flags 1, id 16, distance of `next` from the furthest 1, generation 1, revision 1, seconds since the last delivery 1,
 *   then what the flags announce
 *
 * Numbers have as many bytes as they need (bytes.ts). Times count from the latest delivery.
 */

/**
 * The version of this form. It also stands for the way batches are cut (shared/webhook/planBatch.ts): a release that cuts
 * otherwise writes another version, and cuts the plan of a holder that wrote this one in the old way.
 */
const VERSION = 1;

/** No cursor has more bytes: the largest numbers everywhere, and an id of 64 characters. */
const MOST_BYTES = 16 * 1024;

const FLAGS = {
  hasOtherId: 1,
  hasPrevious: 2,
  hasBatch: 4,
  hasLimit: 8,
  isFailing: 16,
  hasRequests: 32,
  hasGap: 64,
  isStopped: 128,
} as const;

const STOPPED = ["paused", "suspended"] as const;
const GAP_REASONS = ["retention", "expired", "lost-before-ingest"] as const satisfies readonly GapReason[];

const SESSION_ID = /^ses_[0-9a-f]{32}$/;
const ID_PREFIX = "ses_";
const ID_BYTES = 16;
const LONGEST_OTHER_ID = 64;

type Cursors = CursorGroup["cursors"];

/** What the numbers of all cursors count from. */
interface Base {
  readonly furthest: number;
  readonly epochSeconds: number;
}

/** @throws RangeError when there are more cursors than a group may have */
export function packCursors(cursors: Cursors): Uint8Array {
  const all = Object.entries(cursors);
  if (all.length > GROUP_SESSIONS) throw new RangeError(`a group cannot hold ${all.length} sessions`);
  const base: Base = {
    furthest: Math.max(0, ...all.map(([, { next }]) => next)),
    epochSeconds: Math.max(0, ...all.map(([, each]) => latestTime(each))),
  };
  const bytes = new ByteWriter();
  bytes.byte(VERSION);
  bytes.number(all.length);
  bytes.number(base.furthest);
  bytes.number(base.epochSeconds);
  for (const [session, cursor] of all) packCursor(bytes, session, cursor, base);
  return bytes.result();
}

/** @throws GroupUnreadableError */
export function unpackCursors(packed: Uint8Array): Cursors {
  if (packed.length > MOST_BYTES) throw new GroupUnreadableError("it is too long");
  const bytes = new ByteReader(packed);
  const version = bytes.byte();
  if (version !== VERSION) throw new GroupUnreadableError(`its version is ${version}`);
  const count = bytes.number();
  // It would stand nowhere, and nothing would be kept for it.
  if (count === 0) throw new GroupUnreadableError("it holds no sessions");
  if (count > GROUP_SESSIONS) throw new GroupUnreadableError(`it holds ${count} sessions`);
  const base: Base = { furthest: bytes.number(), epochSeconds: bytes.number() };
  const cursors = new Map<string, GroupCursor>();
  for (let index = 0; index < count; index += 1) {
    const [session, cursor] = unpackCursor(bytes, base);
    cursors.set(session, cursor);
  }
  if (cursors.size < count) throw new GroupUnreadableError("a session is in it twice");
  if (!bytes.isAtEnd) throw new GroupUnreadableError("it goes on after the last cursor");
  return Object.fromEntries(cursors);
}

function packCursor(bytes: ByteWriter, session: string, cursor: GroupCursor, base: Base): void {
  const { next, previous, batchLast, limit, gap, stopped } = cursor;
  const isOwnId = SESSION_ID.test(session);
  const isFailing =
    cursor.attempts > 0 ||
    cursor.dueAtEpochMillis !== undefined ||
    cursor.failingSinceEpochSeconds !== undefined;
  const hasRequests = cursor.requests > 0 || cursor.requestUntilEpochMillis !== undefined;
  const flags =
    (isOwnId ? 0 : FLAGS.hasOtherId) +
    (previous === next - 1 ? 0 : FLAGS.hasPrevious) +
    (batchLast === undefined ? 0 : FLAGS.hasBatch) +
    (limit === undefined ? 0 : FLAGS.hasLimit) +
    (isFailing ? FLAGS.isFailing : 0) +
    (hasRequests ? FLAGS.hasRequests : 0) +
    (gap === undefined ? 0 : FLAGS.hasGap) +
    (stopped === undefined ? 0 : FLAGS.isStopped);
  const { lastDeliveryEpochSeconds: delivered } = cursor;
  bytes.byte(flags);
  packId(bytes, session, isOwnId);
  bytes.number(base.furthest - next);
  bytes.number(cursor.generation);
  bytes.number(cursor.revision);
  // 0 stands for never, so that each second counts one more.
  bytes.number(delivered === undefined ? 0 : base.epochSeconds - delivered + 1);
  if (flags & FLAGS.hasPrevious) bytes.signed(next - previous);
  if (batchLast !== undefined) bytes.signed(batchLast - next);
  if (limit !== undefined) bytes.signed(limit - next);
  if (isFailing) {
    bytes.number(cursor.attempts);
    packTime(bytes, cursor.failingSinceEpochSeconds, base.epochSeconds);
    packTime(bytes, cursor.dueAtEpochMillis, base.epochSeconds * 1000);
  }
  if (hasRequests) {
    bytes.number(cursor.requests);
    packTime(bytes, cursor.requestUntilEpochMillis, base.epochSeconds * 1000);
  }
  if (gap !== undefined) {
    bytes.byte(GAP_REASONS.indexOf(gap.reason));
    bytes.signed(next - gap.first);
    bytes.signed(next - gap.last);
  }
  if (stopped !== undefined) bytes.byte(STOPPED.indexOf(stopped));
}

function unpackCursor(bytes: ByteReader, { furthest, epochSeconds }: Base): [string, GroupCursor] {
  const flags = bytes.byte();
  const session = unpackId(bytes, (flags & FLAGS.hasOtherId) === 0);
  const next = furthest - bytes.number();
  const generation = bytes.number();
  const revision = bytes.number();
  const sinceDelivery = bytes.number();
  const previous = flags & FLAGS.hasPrevious ? next - bytes.signed() : next - 1;
  const batchLast = flags & FLAGS.hasBatch ? next + bytes.signed() : undefined;
  const limit = flags & FLAGS.hasLimit ? next + bytes.signed() : undefined;
  const isFailing = (flags & FLAGS.isFailing) !== 0;
  const attempts = isFailing ? bytes.number() : 0;
  const failingSinceEpochSeconds = isFailing ? unpackTime(bytes, epochSeconds) : undefined;
  const dueAtEpochMillis = isFailing ? unpackTime(bytes, epochSeconds * 1000) : undefined;
  const hasRequests = (flags & FLAGS.hasRequests) !== 0;
  const requests = hasRequests ? bytes.number() : 0;
  const requestUntilEpochMillis = hasRequests ? unpackTime(bytes, epochSeconds * 1000) : undefined;
  const gap = flags & FLAGS.hasGap ? unpackGap(bytes, next) : undefined;
  const stopped = flags & FLAGS.isStopped ? oneOf(STOPPED, bytes.byte()) : undefined;
  if (next < 1 || previous < 0) throw new GroupUnreadableError("a cursor stands before the first message");
  return [
    session,
    {
      next,
      previous,
      batchLast,
      limit,
      generation,
      revision,
      gap,
      stopped,
      attempts,
      dueAtEpochMillis,
      failingSinceEpochSeconds,
      requests,
      requestUntilEpochMillis,
      lastDeliveryEpochSeconds: sinceDelivery === 0 ? undefined : epochSeconds - sinceDelivery + 1,
    },
  ];
}

function packId(bytes: ByteWriter, session: string, isOwnId: boolean): void {
  if (isOwnId) {
    bytes.bytes(Buffer.from(session.slice(ID_PREFIX.length), "hex"));
    return;
  }
  const text = Buffer.from(session);
  if (text.length > LONGEST_OTHER_ID) throw new RangeError("the session's id is too long");
  bytes.byte(text.length);
  bytes.bytes(text);
}

function unpackId(bytes: ByteReader, isOwnId: boolean): string {
  if (isOwnId) return ID_PREFIX + Buffer.from(bytes.bytes(ID_BYTES)).toString("hex");
  const length = bytes.byte();
  if (length > LONGEST_OTHER_ID) throw new GroupUnreadableError("an id is too long");
  return Buffer.from(bytes.bytes(length)).toString();
}

/** 0 stands for an absent time. Times are whole: one with jitter is a fraction of a millisecond late. */
function packTime(bytes: ByteWriter, time: number | undefined, base: number): void {
  if (time === undefined) {
    bytes.signed(0);
    return;
  }
  const distance = Math.ceil(time) - base;
  bytes.signed(distance < 0 ? distance : distance + 1);
}

function unpackTime(bytes: ByteReader, base: number): number | undefined {
  const distance = bytes.signed();
  if (distance === 0) return undefined;
  return base + (distance < 0 ? distance : distance - 1);
}

function unpackGap(bytes: ByteReader, next: number): CursorGap {
  const reason = oneOf(GAP_REASONS, bytes.byte());
  return { reason, first: next - bytes.signed(), last: next - bytes.signed() };
}

function oneOf<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new GroupUnreadableError("it holds an unknown value");
  return value;
}

/** The time from which a group of sessions that never received anything counts is that of its failures. */
function latestTime(cursor: GroupCursor): number {
  return Math.max(
    cursor.lastDeliveryEpochSeconds ?? 0,
    cursor.failingSinceEpochSeconds ?? 0,
    Math.floor((cursor.requestUntilEpochMillis ?? 0) / 1000),
  );
}
