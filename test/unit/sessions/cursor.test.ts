import { describe, expect, it } from "vitest";
import { LONGEST_LEASE_MILLIS } from "../../../shared/runtime/settings.ts";
import {
  advance,
  backOff,
  type Cursor,
  type CursorChange,
  evict,
  isInterested,
  isTakeable,
  newCursor,
  park,
  pause,
  progress,
  reconfigure,
  release,
  resume,
  rowToFind,
  seek,
  signal,
  suspend,
  take,
} from "../../../shared/sessions/cursor.ts";
import { cursorOf, NOW } from "./samples.ts";

type State = Cursor["state"];
const STATES: readonly State[] = ["parked", "signalled", "active", "backoff", "paused", "suspended"];
const LEASE = 20_000;
const plan = (batchLast?: number) => ({ batchLast, leaseMillis: LEASE, nowEpochMillis: NOW });
const failure = { reason: "http.status", detail: "status 500", status: 500, atEpochMillis: NOW };

/** A row with every attribute set, so that a transition that drops or keeps too much is noticed. */
function worn(state: State): Cursor {
  return cursorOf({
    state,
    attempts: 4,
    lane: "slow",
    batchLast: 30,
    gap: { first: 3, last: 9, reason: "retention" },
    leaseUntilEpochMillis: NOW + 1,
    dueAtEpochMillis: NOW + 2,
    failingSinceEpochMillis: NOW - 3,
    lastDeliveryEpochMillis: NOW - 4,
    lastError: { ...failure, atEpochMillis: NOW - 3 },
  });
}

/** For each transition, the states from which it may begin, and the new state for each. */
const TRANSITIONS: readonly [
  string,
  (cursor: Cursor) => CursorChange,
  Partial<Record<State, State>>,
  fenceGrows: boolean,
][] = [
  ["signal", () => signal(NOW), { parked: "signalled" }, false],
  [
    "take",
    (cursor) => take(cursor, plan()),
    { parked: "active", signalled: "active", backoff: "active", active: "active" },
    true,
  ],
  ["advance", (cursor) => advance(cursor, plan()), { active: "active" }, false],
  ["park", (cursor) => park(cursor, NOW), { active: "parked" }, false],
  ["backOff", (cursor) => backOff(cursor, failure, NOW + 5), { active: "backoff" }, false],
  ["suspend", (cursor) => suspend(cursor, failure), { active: "suspended" }, true],
  ["pause", (cursor) => pause(cursor, NOW), every("paused"), true],
  ["resume", (cursor) => resume(cursor, NOW), every("parked"), true],
  ["release", (cursor) => release(cursor, NOW), waiting(), true],
  ["reconfigure", (cursor) => reconfigure(cursor, ["A"], NOW), waiting(), true],
  ["seek", (cursor) => seek(cursor, 5, NOW), waiting(), true],
  ["evict", (cursor) => evict(cursor, 41, NOW), waiting(), true],
];

function every(to: State): Record<State, State> {
  return { parked: to, signalled: to, active: to, backoff: to, paused: to, suspended: to };
}

/** A row that waits for a due time or a person keeps waiting. */
function waiting(): Record<State, State> {
  return { ...every("parked"), backoff: "backoff", paused: "paused", suspended: "suspended" };
}

const cells = TRANSITIONS.flatMap(([name, change, leads, fenceGrows]) =>
  STATES.flatMap((from) => {
    const to = leads[from];
    return to === undefined ? [] : [{ name, from, to, change, fenceGrows }];
  }),
);

describe("the cursor's transitions", () => {
  it.each(cells)("$name leads from $from to $to", ({ from, to, change, fenceGrows }) => {
    const before = worn(from);
    const frozen = structuredClone(before);
    const after = { ...before, ...change(before) };
    expect([after.state, after.fence]).toEqual([to, before.fence + (fenceGrows ? 1 : 0)]);
    expect([after.feed, after.session, after.segmentSize]).toEqual(["pbx-1", "ses_1", 10]);
    expect(before).toEqual(frozen);
  });

  it.each(cells.filter(({ to }) => to !== "active" && to !== "signalled"))(
    "$name leaves no lease on a row that is $to, coming from $from",
    ({ from, change }) => {
      const before = worn(from);
      expect({ ...before, ...change(before) }.leaseUntilEpochMillis).toBeUndefined();
    },
  );

  it.each(cells.filter(({ from, to }) => from !== to))(
    "$name resets the count of re-sent wakes of a row that was $from",
    ({ from, change }) => {
      const before = { ...worn(from), wakesRepeated: 5 };
      expect({ ...before, ...change(before) }.wakesRepeated).toBeUndefined();
    },
  );

  it("signal writes only the state and its time, so that it overwrites nothing from deliver", () => {
    expect(signal(NOW)).toEqual({ state: "signalled", changedAtEpochMillis: NOW });
  });

  it("take begins a lease, ends a backoff, writes the end of the batch, and does not move the cursor", () => {
    expect(take(worn("backoff"), plan(28))).toStrictEqual({
      state: "active",
      wakesRepeated: undefined,
      fence: 8,
      leaseUntilEpochMillis: NOW + LEASE,
      dueAtEpochMillis: undefined,
      batchLast: 28,
      changedAtEpochMillis: NOW,
    });
  });

  it("advance writes the progress, the end of the next batch and a new lease in one", () => {
    const row = progress(worn("active"), { next: 31, sentLast: 30, lane: "fast", nowEpochMillis: NOW });
    expect(advance(row, plan(40))).toStrictEqual({
      next: 31,
      previous: 30,
      gap: worn("active").gap,
      lane: "fast",
      attempts: 0,
      failingSinceEpochMillis: undefined,
      lastError: undefined,
      lastDeliveryEpochMillis: NOW,
      batchLast: 40,
      leaseUntilEpochMillis: NOW + LEASE,
    });
  });

  it("park writes the progress and forgets the batch", () => {
    const row = progress(worn("active"), { next: 31, sentLast: 30, lane: "slow", nowEpochMillis: NOW });
    expect(park(row, NOW)).toMatchObject({ next: 31, previous: 30, attempts: 0, state: "parked" });
    expect({ ...row, ...park(row, NOW) }.batchLast).toBeUndefined();
  });

  it("backOff keeps the batch and the time of the first failure, and moves the session to the slow lane", () => {
    const before = worn("active");
    expect({ ...before, ...backOff(before, failure, NOW + 5) }).toStrictEqual({
      ...before,
      state: "backoff",
      lane: "slow",
      attempts: 5,
      leaseUntilEpochMillis: undefined,
      dueAtEpochMillis: NOW + 5,
      wakesRepeated: undefined,
      lastError: failure,
      changedAtEpochMillis: NOW,
    });
    expect(backOff(cursorOf({ state: "active" }), failure, 0)).toMatchObject({
      attempts: 1,
      failingSinceEpochMillis: NOW,
    });
  });

  it("suspend keeps the batch and the failure, and has no due time", () => {
    const before = worn("active");
    const after = { ...before, ...suspend(before, failure) };
    expect(after).toMatchObject({ batchLast: 30, attempts: 5, lastError: failure, gap: before.gap });
    expect(after.dueAtEpochMillis).toBeUndefined();
  });

  it("resume continues at the same place, with the same batch and id, as if the session had never failed", () => {
    const before = worn("suspended");
    const after = { ...before, ...resume(before, NOW) };
    expect(after).toMatchObject({ next: 25, batchLast: 30, generation: 3, gap: before.gap, attempts: 0 });
    expect(after.failingSinceEpochMillis).toBeUndefined();
  });

  it("pause keeps the batch, so that a resumed session repeats it with the same id", () => {
    const before = worn("active");
    expect({ ...before, ...pause(before, NOW) }).toMatchObject({ next: 25, batchLast: 30, generation: 3 });
  });

  it("reconfigure makes old batch ids impossible", () => {
    const before = worn("active");
    const after = { ...before, ...reconfigure(before, ["A"], NOW) };
    expect(after).toMatchObject({ generation: 4, interest: ["A"], next: 25, gap: before.gap });
    expect(after.batchLast).toBeUndefined();
    expect({ ...after, ...reconfigure(after, undefined, NOW) }.interest).toBeUndefined();
  });

  it("seek moves the cursor and its reference, and drops the gap and the batch", () => {
    const before = worn("active");
    const after = { ...before, ...seek(before, 5, NOW) };
    expect(after).toMatchObject({ next: 5, previous: 4, segment: 0, generation: 4 });
    expect([after.gap, after.batchLast]).toEqual([undefined, undefined]);
  });

  it("evict keeps the gap until it can be reported, from the first number that was not reported", () => {
    const before = cursorOf({ batchLast: 30 });
    const after = { ...before, ...evict(before, 41, NOW) };
    expect(after).toMatchObject({
      next: 41,
      segment: 4,
      previous: 24,
      gap: { first: 25, last: 40, reason: "retention" },
    });
    expect(after.batchLast).toBeUndefined();
    expect(evict(after, 61, NOW).gap).toEqual({ first: 25, last: 60, reason: "retention" });
  });

  it("a new cursor is parked, with its reference in the segment of its next number", () => {
    const born = { feed: "f", session: "s", next: 21, segmentSize: 10, interest: ["A"], nowEpochMillis: NOW };
    expect(newCursor(born)).toMatchObject({
      state: "parked",
      next: 21,
      previous: 20,
      segment: 2,
      fence: 1,
      lane: "fast",
      interest: ["A"],
      attempts: 0,
    });
  });
});

describe("progress", () => {
  const done = { next: 31, lane: "slow", nowEpochMillis: NOW } as const;

  it("refuses to move back", () => {
    expect(() => progress(cursorOf(), { ...done, next: 24 })).toThrow(RangeError);
    expect(progress(cursorOf(), { ...done, next: 25 }).next).toBe(25);
  });

  it("after a sent batch ends the failures and stores the last number sent", () => {
    const after = progress(worn("active"), { ...done, sentLast: 29 });
    expect(after).toMatchObject({
      next: 31,
      previous: 29,
      lane: "slow",
      attempts: 0,
      lastDeliveryEpochMillis: NOW,
      gap: worn("active").gap,
    });
    expect([after.batchLast, after.failingSinceEpochMillis, after.lastError]).toEqual(
      Array(3).fill(undefined),
    );
  });

  it("over unwanted messages does not change the state of the endpoint", () => {
    const before = worn("active");
    expect(progress(before, { ...done, lane: "fast" })).toStrictEqual({
      ...before,
      next: 31,
      batchLast: undefined,
    });
  });

  it("after a reported gap clears the gap and stores its end as the previous number", () => {
    const before = worn("active");
    const after = progress(before, { ...done, next: 25, gapTold: true });
    expect(after).toMatchObject({ next: 25, previous: 9, attempts: 0 });
    expect(after.gap).toBeUndefined();
  });
});

describe("isTakeable", () => {
  it.each<[State, Partial<Cursor>, boolean]>([
    ["parked", {}, true],
    ["signalled", {}, true],
    ["active", { leaseUntilEpochMillis: NOW + 1 }, false],
    ["active", { leaseUntilEpochMillis: NOW }, true],
    ["active", {}, true],
    ["backoff", { dueAtEpochMillis: NOW + 251 }, false],
    ["backoff", { dueAtEpochMillis: NOW + 250 }, true],
    ["backoff", { dueAtEpochMillis: NOW - 1 }, true],
    ["backoff", {}, true],
    ["paused", {}, false],
    ["suspended", {}, false],
  ])("of a row that is %s with %o is %s", (state, facts, expected) => {
    expect(isTakeable(cursorOf({ state, ...facts }), NOW)).toBe(expected);
  });
});

describe("after the clock was set back", () => {
  const HOUR = 3_600_000;

  it.each<[string, State, Partial<Cursor>, boolean]>([
    [
      "a lease that ends later than the longest possible has expired",
      "active",
      { leaseUntilEpochMillis: NOW + HOUR },
      true,
    ],
    [
      "a lease that is possible has not",
      "active",
      { leaseUntilEpochMillis: NOW + LONGEST_LEASE_MILLIS },
      false,
    ],
    [
      "a lease that another machine's clock puts slightly further has not",
      "active",
      { leaseUntilEpochMillis: NOW + LONGEST_LEASE_MILLIS + 5_000 },
      false,
    ],
    [
      "a lease just beyond that has",
      "active",
      { leaseUntilEpochMillis: NOW + LONGEST_LEASE_MILLIS + 5_001 },
      true,
    ],
    ["a due time that is possible is waited for", "backoff", { dueAtEpochMillis: NOW + HOUR }, false],
    [
      "a due time of a day is possible: an endpoint asked for it",
      "backoff",
      { dueAtEpochMillis: NOW + 24 * HOUR },
      false,
    ],
    [
      "a due time further ahead than any is not waited for",
      "backoff",
      { dueAtEpochMillis: NOW + 25 * HOUR },
      true,
    ],
    [
      "a due time that was written in what is now the future is not waited for",
      "backoff",
      { changedAtEpochMillis: NOW + HOUR, dueAtEpochMillis: NOW + HOUR + 5_000 },
      true,
    ],
    [
      "a row of a machine whose clock is slightly ahead waits",
      "backoff",
      { changedAtEpochMillis: NOW + 5_000, dueAtEpochMillis: NOW + 10_000 },
      false,
    ],
  ])("%s", (_, state, facts, expected) => {
    expect(isTakeable(cursorOf({ state, ...facts }), NOW)).toBe(expected);
  });
});

describe("isInterested", () => {
  it.each([
    [undefined, ["A"], true],
    [undefined, [], true],
    [["A"], ["B", "A"], true],
    [["A"], ["B"], false],
    [["A"], [], false],
    [["A"], ["RelayGap"], true],
    [[], ["A"], false],
  ])("with the interest %o in the names %o is %s", (interest, names, expected) => {
    expect(isInterested({ interest }, names)).toBe(expected);
  });
});

describe("the row that a write must find", () => {
  it.each(STATES)("names the state, fence and segment that were read: %s", (state) => {
    const read = cursorOf({ state });
    const states = state === "parked" ? ["parked", "signalled"] : [state];
    expect(rowToFind(read, pause(read, NOW))).toEqual({ states, fence: read.fence, segment: read.segment });
  });

  it("is parked and nothing else for the mark", () => {
    expect(rowToFind(cursorOf({ state: "parked" }), signal(NOW)).states).toEqual(["parked"]);
  });

  it("has the lease that was read when it is taken over after the lease expired, and only then", () => {
    const read = cursorOf({ state: "active", leaseUntilEpochMillis: NOW - 1 });
    expect(rowToFind(read, take(read, plan())).leaseUntilEpochMillis).toBe(NOW - 1);
    for (const change of [advance(read, plan()), park(read, NOW), backOff(read, failure, NOW)])
      expect(rowToFind(read, change)).not.toHaveProperty("leaseUntilEpochMillis");
  });

  it("has the next number that was read when a gap begins there", () => {
    const read = cursorOf({ state: "active", next: 25 });
    expect(rowToFind(read, evict(read, 41, NOW)).next).toBe(25);
    expect(rowToFind(read, seek(read, 41, NOW))).not.toHaveProperty("next");
  });
});
