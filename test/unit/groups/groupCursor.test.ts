import { describe, expect, it } from "vitest";
import {
  begin,
  evict,
  fail,
  type GroupCursor,
  isReady,
  newGroupCursor,
  pass,
  passExpired,
  pause,
  reconfigure,
  resume,
  revise,
  seek,
  suspend,
} from "../../../shared/groups/groupCursor.ts";
import { mayBegin, permittedEnd, waitsForWrite } from "../../../shared/groups/permission.ts";
import { groupCursor, NOW } from "./samples.ts";

const SECONDS = NOW / 1000;
const GAP = { first: 5, last: 24, reason: "retention" } as const;

/** A cursor with every field set, so that a change that drops or keeps too much is noticed. */
const WORN: GroupCursor = {
  next: 25,
  previous: 20,
  batchLast: 30,
  limit: 40,
  generation: 3,
  revision: 6,
  gap: GAP,
  stopped: "suspended",
  attempts: 4,
  dueAtEpochMillis: NOW + 60_000,
  failingSinceEpochSeconds: SECONDS - 9,
  requests: 2,
  requestUntilEpochMillis: NOW + 15_000,
  lastDeliveryEpochSeconds: SECONDS - 60,
};

describe("a batch", () => {
  it("that is accepted moves the cursor and ends its failures", () => {
    expect(pass(WORN, { last: 30, sentLast: 29 }, NOW)).toEqual({
      ...WORN,
      next: 31,
      previous: 29,
      batchLast: undefined,
      attempts: 0,
      dueAtEpochMillis: undefined,
      failingSinceEpochSeconds: undefined,
      lastDeliveryEpochSeconds: SECONDS,
    });
  });

  it("with nothing for the session moves it and says nothing about its endpoint", () => {
    expect(pass(WORN, { last: 30 }, NOW)).toEqual({ ...WORN, next: 31, batchLast: undefined });
  });

  it("that reports a gap moves nothing", () => {
    const told = pass(WORN, { last: 24, sentLast: 24, tellsGap: true }, NOW);
    expect(told).toMatchObject({ next: 25, previous: 24, attempts: 0 });
    expect(told.gap).toBeUndefined();
  });

  it("never moves a cursor back", () => {
    expect(() => pass(WORN, { last: 23, sentLast: 23 }, NOW)).toThrow(RangeError);
  });

  it("keeps its end from the beginning until it is accepted", () => {
    const begun = begin(newGroupCursor(25), { last: 28 });
    expect(begun.batchLast).toBe(28);
    const failed = fail(begun, { dueAtEpochMillis: NOW + 5_000, nowEpochMillis: NOW });
    expect(failed).toEqual({
      ...newGroupCursor(25),
      batchLast: 28,
      attempts: 1,
      dueAtEpochMillis: NOW + 5_000,
      failingSinceEpochSeconds: SECONDS,
    });
    expect(fail(failed, { dueAtEpochMillis: NOW, nowEpochMillis: NOW + 7_000 })).toMatchObject({
      attempts: 2,
      failingSinceEpochSeconds: SECONDS,
    });
    expect(suspend(failed, NOW)).toMatchObject({ stopped: "suspended", attempts: 2, batchLast: 28 });
    expect(suspend(failed, NOW).dueAtEpochMillis).toBeUndefined();
  });

  it("that reports a gap has no end to keep", () => {
    expect(begin(groupCursor({ gap: GAP }), { last: 24, tellsGap: true }).batchLast).toBeUndefined();
  });
});

describe("a person", () => {
  it("pauses and resumes a session at the same place; the last refused batch keeps its id", () => {
    expect(pause(WORN)).toEqual({ ...WORN, stopped: "paused", revision: 7 });
    expect(resume(WORN)).toEqual({
      ...WORN,
      stopped: undefined,
      revision: 7,
      attempts: 0,
      dueAtEpochMillis: undefined,
      failingSinceEpochSeconds: undefined,
    });
  });

  it("changes the URL without new batches, and the filter with new ones", () => {
    expect(revise(WORN)).toEqual({ ...WORN, revision: 7 });
    expect(reconfigure(WORN)).toEqual({
      ...WORN,
      revision: 7,
      generation: 4,
      batchLast: undefined,
      limit: undefined,
      requestUntilEpochMillis: undefined,
    });
  });

  it("moves a session; what it asked for and cannot get is a gap", () => {
    const sought = seek(WORN, 10, { first: 3, last: 9, reason: "expired" });
    expect(sought).toEqual({
      ...reconfigure(WORN),
      next: 10,
      previous: 2,
      gap: { first: 3, last: 9, reason: "expired" },
    });
    expect(seek(WORN, 10)).toMatchObject({ next: 10, previous: 9, stopped: "suspended", attempts: 4 });
    expect(seek(WORN, 10).gap).toBeUndefined();
  });
});

it("an evicted session is told of all that it missed, also of an earlier gap", () => {
  expect(evict(WORN, 50)).toMatchObject({
    next: 50,
    previous: 20,
    generation: 4,
    gap: { first: 5, last: 49, reason: "retention" },
  });
  expect(evict(groupCursor(), 50).gap).toEqual({ first: 25, last: 49, reason: "retention" });
});

it("pages that have expired become a gap", () => {
  expect(passExpired(groupCursor({ batchLast: 30 }), 41)).toMatchObject({
    next: 41,
    previous: 24,
    gap: { first: 25, last: 40, reason: "expired" },
  });
});

describe("what a holder may send", () => {
  it("ends at its plan, or at a dead holder's while the cursor is behind that", () => {
    expect(permittedEnd(groupCursor(), 40)).toBe(40);
    expect(permittedEnd(groupCursor({ limit: 30 }), 40)).toBe(30);
    expect(permittedEnd(groupCursor({ next: 31, limit: 30 }), 40)).toBeUndefined();
    expect(permittedEnd(groupCursor({ next: 41 }), 40)).toBeUndefined();
    expect(permittedEnd(groupCursor(), undefined)).toBeUndefined();
  });

  it("is nothing while the session waits", () => {
    expect(mayBegin(groupCursor(), 40, NOW)).toBe(true);
    expect(mayBegin(groupCursor({ stopped: "paused" }), 40, NOW)).toBe(false);
    expect(mayBegin(groupCursor({ dueAtEpochMillis: NOW + 1_000 }), 40, NOW)).toBe(false);
    // Time has run out, but the row still notes the request: another process would not know that it was given up.
    expect(mayBegin(groupCursor({ requests: 1, requestUntilEpochMillis: NOW - 1 }), 40, NOW)).toBe(false);
    expect(mayBegin(groupCursor({ next: 41, gap: { ...GAP, last: 40 } }), 40, NOW)).toBe(true);
  });

  it("waits for a write beyond the plan, beyond a limit, and after a request whose time is over", () => {
    const waits = (facts: Partial<GroupCursor>) => waitsForWrite(groupCursor(facts), 40, 50, NOW);
    expect(waits({ next: 40 })).toBe(false);
    expect(waits({ next: 41 })).toBe(true);
    expect(waits({ next: 51 })).toBe(false);
    expect(waits({ next: 31, limit: 30 })).toBe(true);
    expect(waits({ requests: 1, requestUntilEpochMillis: NOW - 1 })).toBe(true);
    expect(waits({ requests: 1, requestUntilEpochMillis: NOW + 1 })).toBe(false);
    expect(waits({ next: 41, stopped: "paused" })).toBe(false);
  });
});

it("a due time that lies further ahead than any failure sets it was set before the clock was set back", () => {
  expect(isReady(groupCursor({ dueAtEpochMillis: NOW + 3 * 86_400_000 }), NOW)).toBe(true);
});
