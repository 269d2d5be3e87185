import { describe, expect, it } from "vitest";
import { epochOf, GROUP_SESSIONS, newGroup } from "../../../shared/groups/group.ts";
import { newGroupCursor } from "../../../shared/groups/groupCursor.ts";
import {
  cursorOf,
  groupWithRoom,
  joinGroup,
  joinListed,
  packedCursor,
  unionOfInterests,
} from "../../../shared/groups/membership.ts";
import { seededRandom } from "../../proof/scheduler.ts";
import { cursorOf as singleRow } from "../sessions/samples.ts";
import { groupCursor, groupOf, NOW } from "./samples.ts";

const born = { feed: "pbx", segmentSize: 10, newGroupId: "new", nowEpochMillis: NOW };
const groupOfSize = (size: number) =>
  groupOf(Object.fromEntries(Array.from({ length: size }, (_, n) => [`s${n}`, {}])), { group: `of-${size}` });

describe("a session that joins", () => {
  it("enters the fullest group with room", () => {
    const groups = [3, GROUP_SESSIONS, GROUP_SESSIONS - 1, 7].map(groupOfSize);
    expect(groupWithRoom(groups)?.group).toBe(`of-${GROUP_SESSIONS - 1}`);
    const joining = joinGroup(groups, "joined", newGroupCursor(3), born);
    expect(joining).toMatchObject({
      kind: "change",
      read: { group: `of-${GROUP_SESSIONS - 1}` },
      change: { version: 41, segment: 0, cursors: { joined: { next: 3 }, s0: { next: 25 } } },
    });
  });

  it("makes a new group when the others are full", () => {
    expect(joinGroup([groupOfSize(GROUP_SESSIONS)], "joined", newGroupCursor(3), born)).toEqual({
      kind: "new",
      group: newGroup({
        feed: "pbx",
        group: "new",
        segmentSize: 10,
        session: "joined",
        cursor: newGroupCursor(3),
        nowEpochMillis: NOW,
      }),
    });
  });
});

describe("sessions that see only fifty groups, from a random one on", () => {
  const SEEN = 50;
  const ofSize = Array.from({ length: GROUP_SESSIONS + 1 }, (_, size) => groupOfSize(size));

  /** A feed's groups in the order of their random ids, by size. */
  class Groups {
    readonly sizes: number[] = [];
    readonly random = seededRandom(7);

    upTo(end: number): number {
      return Math.floor(this.random() * end);
    }

    join(): void {
      const from = this.upTo(this.sizes.length);
      const seen = Array.from({ length: Math.min(SEEN, this.sizes.length) }, (_, index) => {
        const at = (from + index) % this.sizes.length;
        return { ...groupOfSizeAt(this.sizes[at] ?? 0), group: String(at) };
      });
      const joined = groupWithRoom(seen);
      if (joined === undefined) this.sizes.splice(this.upTo(this.sizes.length + 1), 0, 1);
      else this.sizes[Number(joined.group)] = Object.keys(joined.cursors).length + 1;
    }

    /** A random session leaves; an empty group goes. */
    leave(): void {
      const sessions = this.sizes.flatMap((size, at) => Array<number>(size).fill(at));
      const at = sessions[this.upTo(sessions.length)] ?? 0;
      const size = (this.sizes[at] ?? 0) - 1;
      this.sizes.splice(at, 1, ...(size === 0 ? [] : [size]));
    }
  }

  function groupOfSizeAt(size: number) {
    const group = ofSize[size];
    if (group === undefined) throw new RangeError(`no group of ${size}`);
    return group;
  }

  it("fill groups nearly as well as if they saw all: 10,000 sessions need a tenth more", () => {
    const groups = new Groups();
    for (let count = 0; count < 10_000; count += 1) groups.join();
    expect(groups.sizes.length).toBeGreaterThan(313);
    expect(groups.sizes.length).toBeLessThanOrEqual(1.1 * 313);
  });

  it("do so for ever while others leave, and fill what was left before they begin groups", () => {
    const groups = new Groups();
    for (let count = 0; count < 4_000; count += 1) groups.join();
    for (let count = 0; count < 8_000; count += 1) {
      groups.leave();
      groups.join();
    }
    expect(groups.sizes.length).toBeLessThanOrEqual(1.1 * (4_000 / GROUP_SESSIONS));
    for (let count = 0; count < 3_000; count += 1) groups.leave();
    const left = groups.sizes.length;
    for (let count = 0; count < 2_000; count += 1) groups.join();
    expect(groups.sizes.length).toBeLessThanOrEqual(left);
  });
});

describe("the interest of a group that a session joins", () => {
  const joins = (interest: readonly string[] | undefined) => ({
    session: "joined",
    cursor: newGroupCursor(25),
    interest,
  });

  it("is the union of both, and everything if either wants everything", () => {
    const listed = (interest: readonly string[] | undefined) => [{ group: groupOfSize(3), interest }];
    expect(joinListed(listed(["Dial"]), joins(["Hangup", "Dial"]), born).names).toEqual(["Dial", "Hangup"]);
    expect(joinListed(listed(["Dial"]), joins(undefined), born).names).toBeUndefined();
    expect(joinListed(listed(undefined), joins(["Dial"]), born).names).toBeUndefined();
  });

  it("is the session's own in a new group, whatever others want", () => {
    const full = [{ group: groupOfSize(GROUP_SESSIONS), interest: ["Bridge"] }];
    expect(joinListed(full, joins(["Dial"]), born)).toMatchObject({
      joining: { kind: "new" },
      names: ["Dial"],
    });
  });
});

describe("the row of a single session", () => {
  it("becomes a cursor that goes on with the same batches, failures and gaps, and a higher epoch", () => {
    const gap = { first: 3, last: 20, reason: "retention" } as const;
    const row = singleRow({
      state: "backoff",
      batchLast: 30,
      attempts: 4,
      gap,
      dueAtEpochMillis: NOW + 5_000,
      failingSinceEpochMillis: NOW - 3_500,
      lastDeliveryEpochMillis: NOW - 9_999,
    });
    const packed = packedCursor(row, 2);
    expect(packed).toEqual({
      next: 25,
      previous: 24,
      batchLast: 30,
      generation: 3,
      revision: 6,
      gap,
      attempts: 4,
      dueAtEpochMillis: NOW + 5_000,
      failingSinceEpochSeconds: NOW / 1000 - 4,
      requests: 0,
      lastDeliveryEpochSeconds: NOW / 1000 - 10,
    });
    expect(epochOf({ fence: 2 }, packed)).toBe(row.fence + 1);
    // The group was taken more often than the row.
    expect(epochOf({ fence: 900 }, packedCursor(row, 900))).toBe(901);
  });

  it("stays paused or suspended", () => {
    expect(packedCursor(singleRow({ state: "paused" }), 0).stopped).toBe("paused");
    expect(packedCursor(singleRow({ state: "suspended", dueAtEpochMillis: NOW }), 0)).toMatchObject({
      stopped: "suspended",
      dueAtEpochMillis: undefined,
    });
  });
});

describe("a session of a group, shown like a single row", () => {
  const failure = { reason: "http.status", detail: "500", atEpochMillis: NOW };

  it("has its own state where something stops it, and the group's otherwise", () => {
    const group = groupOf(
      {
        a: {},
        paused: { stopped: "paused" },
        failing: { attempts: 2, dueAtEpochMillis: NOW + 1, failingSinceEpochSeconds: NOW / 1000 },
      },
      { state: "active", leaseUntilEpochMillis: NOW + 9 },
    );
    expect(cursorOf(group, "a", failure)).toMatchObject({
      feed: "pbx",
      session: "a",
      state: "active",
      next: 25,
      segment: 2,
      fence: 8,
      lane: "fast",
      lastError: undefined,
      leaseUntilEpochMillis: NOW + 9,
    });
    expect(cursorOf(group, "paused")?.state).toBe("paused");
    expect(cursorOf(group, "failing", failure)).toMatchObject({
      state: "backoff",
      lane: "slow",
      dueAtEpochMillis: NOW + 1,
      failingSinceEpochMillis: NOW,
      lastError: failure,
    });
    expect(cursorOf(group, "gone")).toBeUndefined();
  });

  it("is counted in its own segment for people, wherever its group is counted", () => {
    const group = groupOf({ slow: { next: 1 }, fast: { next: 35 } }, { segment: 0 });
    expect(cursorOf(group, "fast")?.segment).toBe(3);
    expect(groupCursor().next).toBe(25);
  });
});

it("a group wants what any of its sessions wants, and everything if one does or the names are too many", () => {
  expect(unionOfInterests([["Dial", "Hangup"], ["Dial"], []])).toEqual(["Dial", "Hangup"]);
  expect(unionOfInterests([["Dial"], undefined])).toBeUndefined();
  expect(
    unionOfInterests([0, 1, 2].map((n) => Array.from({ length: 100 }, (_, m) => `SomeLongName${n}-${m}`))),
  ).toBeUndefined();
});
