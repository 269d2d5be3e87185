import { describe, expect, it } from "vitest";
import {
  advance,
  type CursorGroup,
  changeCursor,
  cross,
  epochOf,
  isCountedBehind,
  isTakeable,
  leave,
  needsTurn,
  newGroup,
  park,
  referenceOf,
  repeatWake,
  settle,
  signal,
  take,
} from "../../../shared/groups/group.ts";
import { fail, type GroupCursor, newGroupCursor, pass, pause } from "../../../shared/groups/groupCursor.ts";
import { groupCursor, groupOf, NOW } from "./samples.ts";

const HOLD = { tail: 40, leaseMillis: 20_000, nowEpochMillis: NOW };
const LEASE_END = NOW + 20_000;

const held = (cursors: Parameters<typeof groupOf>[0], facts: Partial<CursorGroup> = {}) =>
  groupOf(cursors, {
    state: "active",
    holder: "turn",
    leaseUntilEpochMillis: LEASE_END,
    planned: 40,
    ...facts,
  });

describe("a group that nobody holds", () => {
  it("may be taken when it is parked or signalled, or its lease has expired", () => {
    expect(isTakeable(groupOf(), NOW)).toBe(true);
    expect(isTakeable(groupOf({}, { state: "signalled" }), NOW)).toBe(true);
    expect(isTakeable(held({}), NOW)).toBe(false);
    expect(isTakeable(held({}), LEASE_END)).toBe(true);
  });

  it("needs a turn while a session has messages or a gap to get, and waits for nothing else", () => {
    const needs = (facts: Partial<GroupCursor>, tail = 25) =>
      needsTurn(groupOf({ a: { stopped: "paused" }, b: facts }), tail, NOW);
    expect(needs({ next: 25 })).toBe(true);
    expect(needs({ next: 26 })).toBe(false);
    expect(needs({ next: 26, gap: { first: 3, last: 20, reason: "retention" } })).toBe(true);
    expect(needs({ stopped: "suspended" })).toBe(false);
    expect(needs({ dueAtEpochMillis: NOW + 1_000 })).toBe(false);
    // SQS delays whole seconds, so a wake may come a little early.
    expect(needs({ dueAtEpochMillis: NOW + 200 })).toBe(true);
    expect(needs({ requests: 1, requestUntilEpochMillis: NOW + 1 })).toBe(false);
    expect(needs({ requests: 1, requestUntilEpochMillis: NOW })).toBe(true);
  });

  it("is marked without a new version, so that whoever has read it may still write", () => {
    expect(signal(NOW)).toEqual({
      state: "signalled",
      wakesRepeated: undefined,
      changedAtEpochMillis: NOW,
    });
    expect(repeatWake(groupOf({}, { wakesRepeated: 2 }), NOW)).toEqual({
      wakesRepeated: 3,
      changedAtEpochMillis: NOW,
    });
  });
});

describe("taking a group", () => {
  it("names the holder, a new fence, a lease and the tail up to which batches are cut", () => {
    expect(take(groupOf({ a: {} }, { wakesRepeated: 1 }), "turn", HOLD)).toEqual({
      state: "active",
      version: 41,
      fence: 8,
      holder: "turn",
      leaseUntilEpochMillis: LEASE_END,
      planned: 40,
      segment: 2,
      wakesRepeated: undefined,
      changedAtEpochMillis: NOW,
      cursors: { a: groupCursor() },
    });
  });

  it("keeps a dead holder's plan as the limit of the cursors behind it", () => {
    const dead = held({
      behind: { next: 21 },
      inFlight: { next: 21, batchLast: 24 },
      wholly: { next: 21, batchLast: 30 },
      beyond: { next: 31 },
      older: { next: 21, limit: 25 },
    });
    const { planned, cursors } = take({ ...dead, planned: 30 }, "turn", HOLD);
    expect(planned).toBe(40);
    expect(cursors).toMatchObject({
      behind: { limit: 30 },
      inFlight: { limit: 30, batchLast: 24 },
      wholly: { batchLast: 30 },
      older: { limit: 25 },
    });
    expect(cursors?.wholly?.limit).toBeUndefined();
    expect(cursors?.beyond?.limit).toBeUndefined();
  });

  it("gives up requests whose time is over, and no others", () => {
    const { cursors } = take(
      groupOf({
        over: { requests: 1, requestUntilEpochMillis: NOW },
        out: { requests: 1, requestUntilEpochMillis: NOW + 1 },
      }),
      "turn",
      HOLD,
    );
    expect(cursors?.over?.requestUntilEpochMillis).toBeUndefined();
    expect(cursors?.out?.requestUntilEpochMillis).toBe(NOW + 1);
  });
});

describe("a held group", () => {
  it("advances: progress, plan and lease in one write, and the reference follows the slowest cursor", () => {
    const mine = held({ slow: { next: 31 }, fast: { next: 45 } });
    expect(advance(mine, { ...HOLD, tail: 50 })).toEqual({
      version: 41,
      segment: 3,
      planned: 50,
      leaseUntilEpochMillis: LEASE_END,
      cursors: mine.cursors,
    });
  });

  it("drops a limit only once the cursor is beyond it", () => {
    const { cursors } = advance(held({ at: { next: 30, limit: 30 }, beyond: { next: 31, limit: 30 } }), HOLD);
    expect(cursors?.at?.limit).toBe(30);
    expect(cursors?.beyond?.limit).toBeUndefined();
  });

  it("parks without a plan, and notes each request under way with a number and a time", () => {
    const change = park(held({ a: { requests: 2, batchLast: 30 }, b: {} }), new Map([["a", NOW + 9]]), NOW);
    expect(change).toMatchObject({ state: "parked", version: 41, changedAtEpochMillis: NOW });
    expect(change.planned).toBeUndefined();
    expect(change.leaseUntilEpochMillis).toBeUndefined();
    // The token stays: a turn recognises its own parking by it.
    expect("holder" in change).toBe(false);
    expect(change.cursors?.a).toMatchObject({ requests: 3, requestUntilEpochMillis: NOW + 9, batchLast: 30 });
    expect(change.cursors?.b).toEqual(groupCursor());
  });
});

describe("the outcome of a late request", () => {
  const group = held({ a: { requests: 3, requestUntilEpochMillis: NOW + 9, batchLast: 28 } });
  const request = { session: "a", generation: 1, number: 3 };
  const accepted = (read: CursorGroup, late: typeof request) =>
    settle(read, [{ ...late, change: (cursor) => pass(cursor, { last: 28, sentLast: 28 }, NOW) }]);

  it("moves the cursor, whoever holds the group", () => {
    expect(accepted(group, request)).toMatchObject({
      version: 41,
      cursors: { a: { next: 29, previous: 28, requests: 3 } },
    });
    expect(accepted(group, request)?.cursors?.a?.requestUntilEpochMillis).toBeUndefined();
    expect(accepted(group, request)?.fence).toBeUndefined();
  });

  it("no longer counts when the session was moved or deleted, or the request was given up", () => {
    expect(accepted(group, { ...request, number: 2 })).toBeUndefined();
    expect(accepted(group, { ...request, generation: 2 })).toBeUndefined();
    expect(accepted(group, { ...request, session: "gone" })).toBeUndefined();
    expect(accepted(groupOf({ a: { requests: 3 } }), request)).toBeUndefined();
  });

  it("is written together with others that came at the same time", () => {
    const both = groupOf({
      a: { requests: 3, requestUntilEpochMillis: NOW + 9 },
      b: { requests: 1, requestUntilEpochMillis: NOW + 9 },
      c: { requests: 1, requestUntilEpochMillis: NOW + 9 },
    });
    const change = (cursor: GroupCursor) => pass(cursor, { last: 28, sentLast: 28 }, NOW);
    const settled = settle(both, [
      { ...request, change },
      { session: "b", generation: 1, number: 1, change },
      { session: "c", generation: 1, number: 7, change },
    ]);
    expect(settled).toMatchObject({
      version: 41,
      cursors: { a: { next: 29 }, b: { next: 29 }, c: { next: 25 } },
    });
    expect(settled?.cursors?.c?.requestUntilEpochMillis).toBe(NOW + 9);
  });

  it("may be a failure", () => {
    const times = { dueAtEpochMillis: NOW + 5_000, nowEpochMillis: NOW };
    const change = settle(group, [{ ...request, change: (cursor) => fail(cursor, times) }]);
    expect(change?.cursors?.a).toMatchObject({ attempts: 1, batchLast: 28, dueAtEpochMillis: NOW + 5_000 });
  });
});

describe("a person", () => {
  it("changes one cursor, and no fence", () => {
    const read = held({ a: {}, b: {} });
    const change = changeCursor(read, "a", pause(groupCursor()));
    expect(change).toEqual({
      version: 41,
      segment: 2,
      cursors: { a: { ...groupCursor(), stopped: "paused", revision: 2 }, b: groupCursor() },
    });
  });

  it("who takes the slowest session out lets the group cross; the last session takes the row with it", () => {
    const read = groupOf({ slow: { next: 1 }, fast: { next: 35 } }, { segment: 0 });
    expect(leave(read, "slow")).toEqual({
      version: 41,
      segment: 3,
      cursors: { fast: groupCursor({ next: 35 }) },
    });
    expect(leave(groupOf({ last: {} }), "last")).toBeUndefined();
  });

  it("makes a group that is counted where its first session stands", () => {
    const born = { feed: "pbx", group: "g", segmentSize: 10, nowEpochMillis: NOW };
    expect(newGroup({ ...born, session: "s", cursor: newGroupCursor(25) })).toEqual({
      feed: "pbx",
      group: "g",
      state: "parked",
      version: 1,
      fence: 1,
      segment: 2,
      segmentSize: 10,
      changedAtEpochMillis: NOW,
      cursors: { s: newGroupCursor(25) },
    });
  });
});

describe("the reference of a group", () => {
  it("is in the segment of its slowest cursor", () => {
    expect(referenceOf(groupOf({ a: { next: 35 }, b: { next: 11 }, c: { next: 20 } }))).toBe(1);
  });

  it("moves later if a conflict kept the holder from it, and only while the group rests", () => {
    const behind = groupOf({ a: { next: 35 } }, { segment: 1 });
    expect(isCountedBehind(behind)).toBe(true);
    expect(cross(behind)).toEqual({ version: 41, segment: 3 });
    expect(isCountedBehind({ ...behind, state: "active" })).toBe(false);
    expect(isCountedBehind({ ...behind, segment: 3 })).toBe(false);
  });
});

it("a session's epoch grows with each take of its group and with each change of the session", () => {
  const group = groupOf({ a: { revision: 4 } });
  expect(epochOf(group, groupCursor({ revision: 4 }))).toBe(11);
  expect(epochOf({ ...group, fence: 8 }, groupCursor({ revision: 4 }))).toBe(12);
  expect(epochOf(group, pause(groupCursor({ revision: 4 })))).toBe(12);
});
