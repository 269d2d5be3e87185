import { DeleteCommand, GetCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { GroupStore } from "../../shared/aws/cursorGroups.ts";
import { CursorStore } from "../../shared/aws/cursors.ts";
import { HeadStore } from "../../shared/aws/heads.ts";
import { keys } from "../../shared/aws/keys.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { SessionStore } from "../../shared/aws/sessions.ts";
import { FenceLostError, TransactionRefusedError } from "../../shared/errors.ts";
import {
  advance,
  type CursorGroup,
  changeCursor,
  cross,
  newGroup,
  park,
  repeatWake,
  signal,
  take,
} from "../../shared/groups/group.ts";
import { newGroupCursor, pass, pause, seek } from "../../shared/groups/groupCursor.ts";
import { type Joining, joinGroup, packedCursor } from "../../shared/groups/membership.ts";
import { newCursor } from "../../shared/sessions/cursor.ts";
import type { WebhookSession } from "../../shared/sessions/session.ts";
import type { Intercept } from "../support/awsCalls.ts";
import { conflicting, timedOut } from "../support/awsErrors.ts";
import { Engine } from "./engine.ts";

const NOW = 1_800_000_000_000;
const HOLD = { tail: 9, leaseMillis: 20_000, nowEpochMillis: NOW };
const clock = { nowEpochMillis: () => NOW, sleep: async () => {} };
const undisturbed: Intercept = (_call, perform) => perform();

let engine: Engine;
let heads: HeadStore;
let references: ReferenceStore;
let cursors: CursorStore;
let groups: GroupStore;
let sessions: SessionStore;

beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());
beforeEach(() => {
  const { documents } = engine.clients;
  const { queue, cursors: table } = engine.tableNames;
  heads = new HeadStore(documents, queue);
  references = new ReferenceStore(documents, queue, clock);
  let writes = 0;
  cursors = new CursorStore(
    documents,
    table,
    references,
    () => {
      writes += 1;
      return `write-${writes}`;
    },
    clock,
  );
  groups = new GroupStore(documents, table, references, clock);
  sessions = new SessionStore(documents, engine.tableNames.sessions, { cursors, groups, references }, clock);
});

function sessionOf(feed: string, session: string): WebhookSession {
  return {
    session,
    feed,
    kind: "webhook",
    url: "http://127.0.0.1:9/",
    format: "stasis",
    maxBatch: 10,
    secrets: [],
    createdAtEpochMillis: NOW,
  };
}

/** Runs with a feed of segments of ten. */
function onFeed<T>(run: (feed: string) => Promise<T>): Promise<T> {
  return engine.lend(undisturbed, async (feed) => {
    await heads.createFeed(feed, 10);
    return run(feed);
  });
}

/** A group with a session for each position, called s1, s2 … */
async function grouped(feed: string, ...positions: number[]): Promise<CursorGroup> {
  for (const [index, next] of positions.entries()) {
    const session = `s${index + 1}`;
    const listed = (await groups.listGroups(feed)).groups.map(({ group }) => group);
    const born = { feed, segmentSize: 10, newGroupId: `${feed}-group`, nowEpochMillis: NOW };
    await sessions.join(joinGroup(listed, session, newGroupCursor(next), born), sessionOf(feed, session), {});
  }
  const [listed] = (await groups.listGroups(feed)).groups;
  if (listed === undefined) throw new Error("no group");
  return listed.group;
}

function passed(group: CursorGroup, session: string, last: number): CursorGroup {
  const cursor = group.cursors[session] ?? newGroupCursor(1);
  return {
    ...group,
    cursors: { ...group.cursors, [session]: pass(cursor, { last, sentLast: last }, NOW) },
  };
}

describe("sessions that join a group", () => {
  it("stand in one row, which is counted once, in the segment of the slowest", () =>
    onFeed(async (feed) => {
      const group = await grouped(feed, 25, 3, 31);
      expect(Object.keys(group.cursors).sort()).toEqual(["s1", "s2", "s3"]);
      expect(group).toMatchObject({ state: "parked", version: 3, segment: 0 });
      expect(await references.counts(feed)).toEqual(new Map([[0, 1]]));
      expect(await groups.readGroup(feed, group.group)).toEqual(group);
      expect(await sessions.readSession("s2")).toMatchObject({ group: group.group });
    }));

  it("two at once: one is refused, and joins when it has read again", () =>
    onFeed(async (feed) => {
      const read = await grouped(feed, 1);
      const joining = (session: string): Joining => ({
        kind: "change",
        read,
        change: changeCursor(read, session, newGroupCursor(1)),
      });
      await sessions.join(joining("second"), sessionOf(feed, "second"), {});
      await expect(sessions.join(joining("third"), sessionOf(feed, "third"), {})).rejects.toThrow(
        FenceLostError,
      );
      expect(await sessions.readSession("third")).toBeUndefined();
      expect((await groups.readGroup(feed, read.group))?.cursors.third).toBeUndefined();
    }));

  it("cannot begin in a segment that is freed, alone or with others", () =>
    onFeed(async (feed) => {
      const read = await grouped(feed, 25);
      for (const segment of [0, 1]) expect(await heads.moveHead(feed, segment)).toBe(true);
      const join = (groupsRead: readonly CursorGroup[]) =>
        sessions.join(
          joinGroup(groupsRead, "late", newGroupCursor(12), {
            feed,
            segmentSize: 10,
            newGroupId: `${feed}-other`,
            nowEpochMillis: NOW,
          }),
          sessionOf(feed, "late"),
          {},
        );
      await expect(join([read])).rejects.toThrow(TransactionRefusedError);
      await expect(join([])).rejects.toThrow(TransactionRefusedError);
      expect(await references.counts(feed)).toEqual(new Map([[2, 1]]));
    }));
});

describe("sessions that leave", () => {
  it("take the group with them when the last one goes, with its reference, its interest and their errors", () =>
    onFeed(async (feed) => {
      const failure = { reason: "http.status", detail: "500", atEpochMillis: NOW };
      let group = await grouped(feed, 3, 25);
      group = await groups.change(group, changeCursor(group, "s1", pause(newGroupCursor(3))), {
        interest: { names: ["Dial"] },
      });
      await groups.writeError(feed, "s1", failure);
      expect(
        await groups.readErrors([
          { feed, session: "s1" },
          { feed, session: "s2" },
        ]),
      ).toEqual(new Map([["s1", failure]]));
      await sessions.leave(group, sessionOf(feed, "s1"), { names: ["Hangup"] });
      expect(await references.counts(feed)).toEqual(new Map([[2, 1]]));
      expect(await groups.readErrors([{ feed, session: "s1" }])).toEqual(new Map());
      const [listed] = (await groups.listGroups(feed)).groups;
      expect(listed?.interest).toEqual(["Hangup"]);
      await expect(sessions.leave(group, sessionOf(feed, "s2"), undefined)).rejects.toThrow(FenceLostError);

      await sessions.leave(listed?.group ?? group, sessionOf(feed, "s2"), undefined);
      expect(await groups.listGroups(feed)).toEqual({ groups: [], unreadable: [] });
      expect(await references.counts(feed)).toEqual(new Map());
      expect(await sessions.readSession("s2")).toBeUndefined();
      const { Item } = await engine.clients.documents.send(
        new GetCommand({
          TableName: engine.tableNames.cursors,
          Key: keys.groupInterest(feed, group.group),
        }),
      );
      expect(Item).toBeUndefined();
    }));
});

describe("a write", () => {
  it("that is refused returns the row as it is, with and without a crossing", () =>
    onFeed(async (feed) => {
      const read = await grouped(feed, 5, 5);
      const { row: held } = await groups.write(read, take(read, "turn", HOLD));
      if (held === undefined) throw new Error("not taken");
      const paused = await groups.change(held, changeCursor(held, "s2", pause(newGroupCursor(5))), {});
      const one = passed(held, "s1", 8);
      expect(await groups.write(held, advance(one, HOLD))).toEqual({ isWritten: false, row: paused });
      const both = passed(one, "s2", 12);
      const across = passed(both, "s1", 14);
      expect(await groups.write(held, advance(across, HOLD))).toEqual({ isWritten: false, row: paused });
      expect(await references.counts(feed)).toEqual(new Map([[0, 1]]));
    }));

  it("does not take the group over from a holder that was only slow", () =>
    onFeed(async (feed) => {
      const read = await grouped(feed, 5);
      const { row: held } = await groups.write(read, take(read, "slow", HOLD));
      if (held === undefined) throw new Error("not taken");
      // Its lease has expired when another turn reads the row. Then it goes on after all.
      const later = { ...HOLD, nowEpochMillis: NOW + 30_000 };
      const advanced = await groups.write(held, advance(passed(held, "s1", 8), later));
      expect(await groups.write(held, take(held, "other", later))).toEqual({
        isWritten: false,
        row: advanced.row,
      });
      expect(await groups.readGroup(feed, read.group)).toMatchObject({
        holder: "slow",
        cursors: { s1: { next: 9 } },
      });
    }));

  it("moves the reference when the slowest cursor crosses, and says when the row is gone", () =>
    onFeed(async (feed) => {
      const read = await grouped(feed, 5, 25);
      const across = passed(read, "s1", 21);
      const written = await groups.write(read, advance(across, HOLD));
      expect(written).toMatchObject({ isWritten: true, row: { segment: 2, version: read.version + 1 } });
      expect(await references.counts(feed)).toEqual(new Map([[2, 1]]));
      await engine.clients.documents.send(
        new DeleteCommand({ TableName: engine.tableNames.cursors, Key: keys.group(feed, read.group) }),
      );
      expect(await groups.write(read, advance(read, HOLD))).toEqual({ isWritten: false, row: undefined });
    }));

  it("whose answer is lost finds the turn's own token", () =>
    onFeed(async (feed) => {
      const read = await grouped(feed, 5);
      let isLost = false;
      const written = await engine.during(
        async (call, perform) => {
          const answer = await perform();
          if (isLost || call.command !== "UpdateItem") return answer;
          isLost = true;
          throw timedOut();
        },
        () => groups.write(read, take(read, "turn", HOLD)),
      );
      expect(written).toMatchObject({ isWritten: false, row: { holder: "turn", fence: read.fence + 1 } });
    }));

  it("that conflicts with another transaction leaves row and counts", () =>
    onFeed(async (feed) => {
      const read = await grouped(feed, 5);
      const crossing = advance(passed(read, "s1", 15), HOLD);
      await engine.during(
        async (call) => {
          throw conflicting(call);
        },
        () => expect(groups.write(read, crossing)).rejects.toMatchObject({ retryable: true }),
      );
      expect(await groups.readGroup(feed, read.group)).toEqual(read);
      // Staying counted in the old segment only keeps data longer; a later write crosses.
      const { row } = await groups.write(read, { ...crossing, segment: read.segment });
      if (row === undefined) throw new Error("not written");
      expect(await references.counts(feed)).toEqual(new Map([[0, 1]]));
      const { row: parked } = await groups.write(row, { ...park(row, new Map(), NOW), segment: row.segment });
      if (parked === undefined) throw new Error("not parked");
      expect(await groups.write(parked, cross(parked))).toMatchObject({ row: { segment: 1 } });
      expect(await references.counts(feed)).toEqual(new Map([[1, 1]]));
    }));

  it("back to an earlier segment checks that it is held", () =>
    onFeed(async (feed) => {
      const read = await grouped(feed, 25);
      const back = (to: number) =>
        sessions.changeInGroup(
          read,
          changeCursor(read, "s1", seek(newGroupCursor(25), to)),
          sessionOf(feed, "s1"),
          { mustBeHeld: Math.floor((to - 1) / 10) },
        );
      expect(await heads.moveHead(feed, 0)).toBe(true);
      await expect(back(3)).rejects.toThrow(TransactionRefusedError);
      expect(await back(13)).toMatchObject({ segment: 1, version: read.version + 1 });
      expect(await references.counts(feed)).toEqual(new Map([[1, 1]]));
    }));
});

describe("a mark", () => {
  it("needs the version and a parked row, and changes neither version nor cursors", () =>
    onFeed(async (feed) => {
      const read = await grouped(feed, 5);
      const { row: marked } = await groups.write(read, signal(NOW));
      expect(marked).toEqual({ ...read, state: "signalled", changedAtEpochMillis: NOW });
      expect(await groups.write(read, signal(NOW))).toMatchObject({ isWritten: false });
      // Whoever read the group before the mark may still take it.
      const { isWritten, row: held } = await groups.write(read, take(read, "turn", HOLD));
      expect(isWritten).toBe(true);
      if (held === undefined || marked === undefined) throw new Error("not taken");
      expect(await groups.write(marked, repeatWake(marked, NOW))).toMatchObject({ isWritten: false });
      const { row: parked } = await groups.write(held, park(held, new Map(), NOW));
      // It was parked again since: a mark of the old row would hide the next page's wake.
      expect(await groups.write(read, signal(NOW))).toEqual({ isWritten: false, row: parked });
    }));
});

describe("the row of a single session", () => {
  it("becomes part of a group in one transaction, which moves its reference", () =>
    onFeed(async (feed) => {
      const read = await grouped(feed, 25);
      const single = newCursor({
        feed,
        session: "single",
        next: 25,
        segmentSize: 10,
        interest: undefined,
        nowEpochMillis: NOW,
      });
      const old = sessionOf(feed, "single");
      await sessions.create(single, old);
      expect(await references.counts(feed)).toEqual(new Map([[2, 2]]));
      const joining = joinGroup([read], "single", packedCursor(single, read.fence), {
        feed,
        segmentSize: 10,
        newGroupId: "unused",
        nowEpochMillis: NOW,
      });
      // Somebody takes the row at the last moment.
      const taken = await cursors.write(single, { state: "active", fence: 2 });
      await expect(sessions.join(joining, old, { packed: single })).rejects.toThrow(TransactionRefusedError);
      expect(await cursors.readCursor(feed, "single")).toMatchObject({ state: "active" });
      const resting = await cursors.write(taken, { state: "parked" });
      const group = await sessions.join(joining, old, { packed: resting });
      expect(group.cursors.single).toMatchObject({ next: 25 });
      expect(await cursors.readCursor(feed, "single")).toBeUndefined();
      expect(await sessions.readSession("single")).toMatchObject({ group: read.group });
      expect(await references.counts(feed)).toEqual(new Map([[2, 1]]));
    }));

  it("becomes a new group when there is none with room: the count stays", () =>
    onFeed(async (feed) => {
      const single = newCursor({
        feed,
        session: "alone",
        next: 25,
        segmentSize: 10,
        interest: undefined,
        nowEpochMillis: NOW,
      });
      await sessions.create(single, sessionOf(feed, "alone"));
      // One after the other: the group's own count may be the same item as the row's, or another one.
      for (const id of ["first", "second", "third", "fourth"]) {
        const group = newGroup({
          feed,
          group: id,
          segmentSize: 10,
          session: "alone",
          cursor: packedCursor(single, 0),
          nowEpochMillis: NOW,
        });
        await sessions.join({ kind: "new", group }, sessionOf(feed, "alone"), { packed: single });
        expect(await references.counts(feed)).toEqual(new Map([[2, 1]]));
        await sessions.leave(group, sessionOf(feed, "alone"), undefined);
        await sessions.create(single, sessionOf(feed, "alone"));
      }
    }));
});
