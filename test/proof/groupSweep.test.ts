import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keys } from "../../shared/aws/keys.ts";
import { type CursorGroup, changeCursor, cross, park, signal, take } from "../../shared/groups/group.ts";
import { fail, type GroupCursor, pass, pause } from "../../shared/groups/groupCursor.ts";
import { backOff, take as takeRow } from "../../shared/sessions/cursor.ts";
import type { AwsCall } from "../support/awsCalls.ts";
import type { Fault } from "../support/hostileAws.ts";
import { Engine } from "./engine.ts";
import { Stage } from "./stage.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

const GROUPS = { RELAY_CURSOR_GROUPS: "1" };

/** A feed with a group of some sessions at its head, and then some pages of four messages. */
function onStage<T>(
  sessions: number,
  pages: number,
  act: (stage: Stage) => Promise<T>,
  settings: Record<string, string> = {},
): Promise<T> {
  return Stage.run(
    engine,
    async (stage) => {
      for (let count = 0; count < sessions; count += 1) await stage.person.createSession("head");
      for (let page = 0; page < pages; page += 1) await stage.append(4 * page + 1, 4);
      return act(stage);
    },
    { ...GROUPS, ...settings },
  );
}

async function groupOf(stage: Stage): Promise<CursorGroup> {
  const [group, ...others] = await stage.groups();
  if (group === undefined || others.length > 0) throw new Error(`${others.length} groups too many`);
  return group;
}

function cursorIn({ cursors }: CursorGroup, session: string): GroupCursor {
  const cursor = cursors[session];
  if (cursor === undefined) throw new Error(`${session} is not in the group`);
  return cursor;
}

async function change(stage: Stage, session: string, by: (cursor: GroupCursor) => GroupCursor) {
  const read = await groupOf(stage);
  return stage.stores.groups.change(read, changeCursor(read, session, by(cursorIn(read, session))), {});
}

describe("a group's wake that was lost", () => {
  it("is sent again by the sweep, and again after a longer time each time", () =>
    onStage(2, 1, async (stage) => {
      expect(await stage.sweep()).toMatchObject([{ woken: 0, repaired: 0 }]);
      stage.nowEpochMillis += stage.settings.hintGraceMillis;
      expect(await stage.sweep()).toMatchObject([{ woken: 1, repaired: 1 }]);
      expect(await groupOf(stage)).toMatchObject({ state: "signalled", version: 2 });
      expect(await stage.sweep()).toMatchObject([{ woken: 0 }]);
      stage.nowEpochMillis += stage.settings.hintGraceMillis;
      expect(await stage.sweep()).toMatchObject([{ woken: 1, repaired: 1 }]);
      stage.nowEpochMillis += stage.settings.hintGraceMillis;
      expect(await stage.sweep()).toMatchObject([{ woken: 0 }]);
      stage.nowEpochMillis += stage.settings.hintGraceMillis;
      expect(await stage.sweep()).toMatchObject([{ woken: 1 }]);
      expect(await groupOf(stage)).toMatchObject({ wakesRepeated: 2 });
      await stage.deliverGroup((await groupOf(stage)).group);
      await stage.expectInvariants(["s0", "s1"]);
    }));

  it("is that of a turn that died: it is sent when the lease has expired, not before", () =>
    onStage(1, 1, async (stage) => {
      const read = await groupOf(stage);
      const { leaseMillis } = stage.settings;
      const { nowEpochMillis } = stage;
      await stage.stores.groups.write(read, take(read, "dead", { tail: 4, leaseMillis, nowEpochMillis }));
      stage.nowEpochMillis += leaseMillis - 1;
      expect(await stage.sweep()).toMatchObject([{ woken: 0 }]);
      stage.nowEpochMillis += 1;
      expect(await stage.sweep()).toMatchObject([{ woken: 1, repaired: 1 }]);
    }));

  it("is not sent for a group at the tail, or whose sessions are paused or wait for their due time", () =>
    onStage(2, 1, async (stage) => {
      await change(stage, "s0", pause);
      const dueAtEpochMillis = stage.nowEpochMillis + 60_000;
      await change(stage, "s1", (cursor) =>
        fail(cursor, { dueAtEpochMillis, nowEpochMillis: stage.nowEpochMillis }),
      );
      stage.nowEpochMillis += 59_000;
      expect(await stage.sweep()).toMatchObject([{ woken: 0 }]);
      stage.nowEpochMillis += 1_000;
      expect(await stage.sweep()).toMatchObject([{ woken: 1, repaired: 1 }]);
    }));
});

describe("a group that a conflict kept from crossing", () => {
  it("is counted where its slowest session stands, once nobody holds it", () =>
    onStage(2, 3, async (stage) => {
      const read = await groupOf(stage);
      const hold = { tail: 12, leaseMillis: 1_000, nowEpochMillis: stage.nowEpochMillis };
      const { row } = await stage.stores.groups.write(read, take(read, "turn", hold));
      if (row === undefined) throw new Error("not taken");
      const passed = (session: string, last: number) =>
        pass(cursorIn(row, session), { last, sentLast: last }, stage.nowEpochMillis);
      const mine = { ...row, cursors: { s0: passed("s0", 6), s1: passed("s1", 12) } };
      const parked = park(mine, new Map(), stage.nowEpochMillis);
      await stage.stores.groups.write(row, { ...parked, segment: 0 });
      expect((await stage.rows()).counts).toEqual(new Map([[0, 1]]));
      expect(await stage.sweep()).toMatchObject([{ crossed: 1, countDifferences: 0 }]);
      expect(await groupOf(stage)).toMatchObject({ segment: 1 });
      expect((await stage.rows()).counts).toEqual(new Map([[1, 1]]));
    }));
});

describe("a session of a group", () => {
  it("that lags beyond the retention is moved forward with a gap, and the others stay where they are", () =>
    onStage(
      2,
      3,
      async (stage) => {
        await stage.person.fulfil([{ change: 1, to: { next: "tail" } }]);
        const before = await groupOf(stage);
        expect(await stage.sweep()).toMatchObject([{ evicted: 1, countDifferences: 0 }]);
        const after = await groupOf(stage);
        expect(cursorIn(after, "s0")).toMatchObject({
          next: 9,
          generation: 2,
          gap: { first: 1, last: 8, reason: "retention" },
        });
        expect(cursorIn(after, "s1")).toEqual(cursorIn(before, "s1"));
        expect((await stage.rows()).counts).toEqual(new Map([[2, 1]]));
      },
      { RELAY_RETENTION_MESSAGES: "4" },
    ));

  it("that stands beyond the tail is suspended, and says why", () =>
    onStage(2, 1, async (stage) => {
      await change(stage, "s1", (cursor) => ({ ...cursor, next: 50, previous: 49 }));
      await stage.sweep();
      const group = await groupOf(stage);
      expect(cursorIn(group, "s1")).toMatchObject({ next: 50, stopped: "suspended" });
      expect(cursorIn(group, "s0").stopped).toBeUndefined();
      const errors = await stage.stores.groups.readErrors([{ feed: stage.feed, session: "s1" }]);
      expect(errors.get("s1")).toMatchObject({ reason: "queue.rewound" });
    }));

  it("keeps its segment from being freed, and no other", () =>
    onStage(2, 3, async (stage) => {
      await change(stage, "s0", (cursor) => ({ ...cursor, next: 5, previous: 4 }));
      await change(stage, "s1", (cursor) => ({ ...cursor, next: 13, previous: 12 }));
      stage.nowEpochMillis += 2 * stage.settings.freeGraceMillis;
      expect(await stage.sweep()).toMatchObject([{ freedSegments: 1, countDifferences: 0 }]);
      expect((await stage.rows()).head).toMatchObject({ headSegment: 1 });
    }));
});

describe("the audit", () => {
  it("finds a count that is not that of the groups", () =>
    onStage(2, 1, async (stage) => {
      const read = await groupOf(stage);
      expect(await stage.sweep()).toMatchObject([{ countDifferences: 0 }]);
      // A group's row that says another segment than it is counted in.
      await stage.stores.groups.write(read, { ...cross(read), segment: read.segment });
      await engine.clients.documents.send(
        new UpdateCommand({
          TableName: engine.tableNames.cursors,
          Key: keys.group(stage.feed, read.group),
          UpdateExpression: "SET #segment = :segment",
          ExpressionAttributeNames: { "#segment": "segment" },
          ExpressionAttributeValues: { ":segment": 7 },
        }),
      );
      expect(await stage.sweep()).toMatchObject([{ countDifferences: 2 }]);
    }));
});

describe("rows of single sessions", () => {
  const SINGLE = { RELAY_CURSOR_GROUPS: "0" };

  it("stay single rows as long as the setting is off", () =>
    onStage(
      2,
      1,
      async (stage) => {
        expect(await stage.sweep()).toMatchObject([{ packed: 0 }]);
        expect(await stage.cursors()).toHaveLength(2);
      },
      SINGLE,
    ));

  it("are packed with all that they hold, also from a turn that holds them", () =>
    onStage(
      4,
      2,
      async (stage) => {
        const { cursors, sessions, groups } = stage.stores;
        const read = async (session: string) => {
          const row = await cursors.readCursor(stage.feed, session);
          if (row === undefined) throw new Error(`no ${session}`);
          return row;
        };
        await stage.person.fulfil([{ change: 1, to: { state: "paused", next: 6 } }]);
        const hold = { batchLast: 4, leaseMillis: 20_000, nowEpochMillis: stage.nowEpochMillis };
        const failure = { reason: "http.status", detail: "500", atEpochMillis: stage.nowEpochMillis };
        const failing = await read("s2");
        const taken = await cursors.write(failing, takeRow(failing, hold));
        const dueAtEpochMillis = stage.nowEpochMillis + 30_000;
        await cursors.write(taken, backOff({ ...taken, batchLast: 4 }, failure, dueAtEpochMillis));
        const held = await read("s3");
        await cursors.write(held, takeRow(held, hold));
        const ids = ["s0", "s1", "s2", "s3"];
        const fences = await Promise.all(ids.map(async (id) => (await read(id)).fence));

        expect(await stage.sweep(GROUPS)).toMatchObject([{ packed: 4, countDifferences: 0 }]);
        const group = await groupOf(stage);
        expect(Object.keys(group.cursors).sort()).toEqual(ids);
        expect(cursorIn(group, "s3")).toMatchObject({ next: 1, batchLast: 4 });
        expect(cursorIn(group, "s1")).toMatchObject({ next: 6, stopped: "paused", generation: 2 });
        expect(cursorIn(group, "s2")).toMatchObject({ next: 1, attempts: 1, batchLast: 4, dueAtEpochMillis });
        expect(await groups.readErrors([{ feed: stage.feed, session: "s2" }])).toEqual(
          new Map([["s2", failure]]),
        );
        for (const [index, fence] of fences.entries()) {
          expect(group.fence + cursorIn(group, `s${index}`).revision).toBeGreaterThan(fence);
          expect(await sessions.readSession(`s${index}`)).toMatchObject({ group: group.group });
        }
        expect(group.state).toBe("signalled");
        expect(await stage.cursors()).toEqual([]);
        expect(await stage.sweep(GROUPS)).toMatchObject([{ packed: 0 }]);

        // The old wake of a packed row finds none.
        expect(await stage.deliver("s0")).toBe(true);
        expect(stage.posts).toEqual([]);
        // Sleeps take no time here, so that a turn that waits for an answer hands its group on and is woken again.
        for (let turn = 0; turn < 2; turn += 1) await stage.deliverGroup(group.group);
        expect(stage.posts.map(({ delivery }) => delivery.session).sort()).toEqual(["s0", "s0", "s3", "s3"]);
        await stage.expectInvariants(["s0", "s3"]);
      },
      SINGLE,
    ));

  it("whose request is under way lose their turn, and the group repeats that batch alone, under the same id", () =>
    onStage(
      1,
      3,
      async (stage) => {
        stage.whilePosting = async () => {
          if (stage.posts.length === 2)
            expect(await stage.sweep(GROUPS)).toMatchObject([{ packed: 1, countDifferences: 0 }]);
        };
        expect(await stage.deliver("s0")).toBe(true);
        expect(stage.posts).toHaveLength(2);
        expect(await stage.cursors()).toEqual([]);
        // Sleeps take no time here, so that a turn that waits for an answer hands its group on and is woken again.
        for (let turn = 0; turn < 2; turn += 1) await stage.deliverGroup((await groupOf(stage)).group);
        const ids = stage.posts.map(({ delivery }) => delivery.id);
        expect(ids).toEqual(["s0-1-1-4", "s0-1-5-8", "s0-1-5-8", "s0-1-9-12"]);
        const epochs = stage.posts.map(({ epoch }) => epoch);
        expect(epochs[2]).toBeGreaterThan(epochs[1] ?? 0);
        await stage.expectInvariants(["s0"]);
      },
      SINGLE,
    ));

  it("that a dying sweep took from a turn are woken and packed by the next one", () =>
    onStage(
      1,
      1,
      async (stage) => {
        const { cursors } = stage.stores;
        const [row] = await stage.cursors();
        if (row === undefined) throw new Error("no row");
        const { nowEpochMillis } = stage;
        await cursors.write(row, takeRow(row, { batchLast: 4, leaseMillis: 20_000, nowEpochMillis }));
        let isTaken = false;
        const dies = ({ command }: AwsCall): Fault | undefined => {
          isTaken ||= command === "UpdateItem";
          return command === "TransactWriteItems" ? "timed out before" : undefined;
        };
        await stage.withFaults(dies, () => stage.sweep(GROUPS).catch(() => {}));
        expect(isTaken).toBe(true);
        expect(await stage.cursors()).toMatchObject([
          { state: "parked", batchLast: 4, fence: row.fence + 2 },
        ]);
        stage.nowEpochMillis += stage.settings.hintGraceMillis;
        expect(await stage.sweep(GROUPS)).toMatchObject([{ packed: 1, countDifferences: 0 }]);
        await stage.deliverGroup((await groupOf(stage)).group);
        await stage.expectInvariants(["s0"]);
      },
      SINGLE,
    ));

  it("that another turn takes as soon as they are released are left to it", () =>
    onStage(
      1,
      1,
      async (stage) => {
        const { cursors } = stage.stores;
        const takeNow = async () => {
          const [row] = await stage.cursors();
          if (row === undefined) throw new Error("no row");
          const hold = { batchLast: 4, leaseMillis: 20_000, nowEpochMillis: stage.nowEpochMillis };
          return cursors.write(row, takeRow(row, hold));
        };
        await takeNow();
        let isReleased = false;
        let isTakenAgain = false;
        await stage.before(
          ({ command, input }) => {
            const isRead = isReleased && !isTakenAgain && command === "GetItem" && input.Key.sk?.S === "s0";
            isReleased ||= command === "UpdateItem" && input.Key.sk?.S === "s0";
            return isRead;
          },
          async () => {
            isTakenAgain = true;
            await takeNow();
          },
          async () => expect(await stage.sweep(GROUPS)).toMatchObject([{ packed: 0, countDifferences: 0 }]),
        );
        expect(isTakenAgain).toBe(true);
        expect(await stage.groups()).toEqual([]);
        expect(await stage.cursors()).toMatchObject([{ state: "active", batchLast: 4 }]);
      },
      SINGLE,
    ));

  it("that were released and are not packed after all are woken", () =>
    onStage(
      2,
      1,
      async (stage) => {
        const { cursors } = stage.stores;
        const row = await cursors.readCursor(stage.feed, "s1");
        if (row === undefined) throw new Error("no row");
        const hold = { batchLast: 4, leaseMillis: 20_000, nowEpochMillis: stage.nowEpochMillis };
        await cursors.write(row, takeRow(row, hold));
        let transactions = 0;
        const woken: unknown[] = [];
        await stage.before(
          ({ service, command, input }) => {
            if (service === "sqs") woken.push(...JSON.stringify(input).matchAll(/"session\W+s1/g));
            if (command !== "TransactWriteItems") return false;
            transactions += 1;
            return transactions === 2;
          },
          // A person is faster: the group that the second row was to join is another one now.
          () => change(stage, "s0", (cursor) => pause(cursor)),
          async () => expect(await stage.sweep(GROUPS)).toMatchObject([{ packed: 1, countDifferences: 0 }]),
        );
        expect(transactions).toBeGreaterThanOrEqual(2);
        expect(woken).toHaveLength(1);
        expect(await stage.cursors()).toMatchObject([{ session: "s1", state: "parked", batchLast: 4 }]);
        expect(await stage.deliver("s1")).toBe(true);
        expect(stage.posts.map(({ delivery }) => delivery.session)).toEqual(["s1"]);
      },
      SINGLE,
    ));

  it("that are taken at the last moment stay rows", () =>
    onStage(
      1,
      1,
      async (stage) => {
        const { cursors } = stage.stores;
        let isFirst = true;
        await stage.before(
          ({ command }) => isFirst && command === "TransactWriteItems",
          async () => {
            isFirst = false;
            const [row] = await stage.cursors();
            if (row === undefined) throw new Error("no row");
            const { nowEpochMillis } = stage;
            await cursors.write(row, takeRow(row, { batchLast: 4, leaseMillis: 20_000, nowEpochMillis }));
          },
          async () => expect(await stage.sweep(GROUPS)).toMatchObject([{ packed: 0, countDifferences: 0 }]),
        );
        expect(isFirst).toBe(false);
        expect(await stage.groups()).toEqual([]);
        expect(await stage.cursors()).toMatchObject([{ state: "active" }]);
      },
      SINGLE,
    ));

  it("are each in one place, wherever the sweep dies, and are packed by the next one", async () => {
    for (let dyingCall = 1; ; dyingCall += 1) {
      const calls = await onStage(
        3,
        1,
        async (stage) => {
          let count = 0;
          const dies = (): Fault | undefined => {
            count += 1;
            if (count < dyingCall) return undefined;
            return dyingCall % 2 === 0 && count === dyingCall ? "timed out after" : "timed out before";
          };
          await stage.withFaults(dies, () => stage.sweep(GROUPS).catch(() => {}));
          const { cursors } = await stage.rows();
          expect(cursors.map(({ session }) => session).sort()).toEqual(["s0", "s1", "s2"]);
          stage.nowEpochMillis += stage.settings.hintGraceMillis;
          expect(await stage.sweep(GROUPS)).toMatchObject([{ countDifferences: 0 }]);
          expect(await stage.cursors()).toEqual([]);
          for (const { group } of await stage.groups()) await stage.deliverGroup(group);
          await stage.expectInvariants(["s0", "s1", "s2"]);
          return count;
        },
        SINGLE,
      );
      if (calls < dyingCall) {
        // The sweep survived: every call has had its death.
        expect(dyingCall).toBeGreaterThan(20);
        return;
      }
    }
  }, 180_000);

  it("of a later release's setting that was switched off again: groups go on, and new sessions get rows", () =>
    onStage(
      1,
      1,
      async (stage) => {
        await stage.sweep(GROUPS);
        await stage.person.createSession("head");
        expect(await stage.cursors()).toMatchObject([{ session: "s1" }]);
        await stage.deliver("s1");
        await stage.deliverGroup((await groupOf(stage)).group);
        expect(await stage.sweep()).toMatchObject([{ countDifferences: 0, packed: 0 }]);
        await stage.expectInvariants(["s0", "s1"]);
      },
      SINGLE,
    ));
});

describe("notify", () => {
  it("wakes a group of 32 with one message and one write, and says with nine calls what a page is for", () =>
    onStage(32, 0, async (stage) => {
      await stage.append(1, 3);
      const calls: string[] = [];
      const count = ({ command }: AwsCall): Fault | undefined => {
        calls.push(command);
        return undefined;
      };
      await stage.withFaults(count, () => stage.notify());
      expect(await groupOf(stage)).toMatchObject({ state: "signalled" });
      expect(calls.filter((call) => call === "SendMessageBatch")).toHaveLength(1);
      expect(calls.filter((call) => call === "UpdateItem")).toHaveLength(1);
      // The rest are reads: the feed's head and last page, the groups, and four shards of single rows.
      expect(calls).toHaveLength(9);
      // A group that is awaited already is left alone. Nobody is parked, so nobody asks where the feed ends.
      calls.length = 0;
      await stage.withFaults(count, () => stage.notify());
      expect(calls.sort()).toEqual(["GetItem", "Query", "Query", "Query", "Query", "Query"]);
    }));

  it("leaves a group alone whose version has changed since, and a group without work", () =>
    onStage(1, 0, async (stage) => {
      const read = await groupOf(stage);
      await stage.notify();
      expect(await groupOf(stage)).toEqual(read);
      const { isWritten } = await stage.stores.groups.write(
        { ...read, version: read.version - 1 },
        signal(stage.nowEpochMillis),
      );
      expect(isWritten).toBe(false);
    }));
});

describe("a feed whose webhook sessions are all in groups", () => {
  const rowQueriesOf = async (stage: Stage) => {
    let queries = 0;
    const count = ({ command, input }: AwsCall): Fault | undefined => {
      if (command === "Query" && !JSON.stringify(input).includes("page#")) queries += 1;
      return undefined;
    };
    await stage.withFaults(count, () => stage.notify());
    return queries;
  };

  it("is searched for single rows only until a sweep has seen none, and again once one was created", () =>
    onStage(2, 0, async (stage) => {
      await stage.append(1, 3);
      expect(await rowQueriesOf(stage)).toBe(5);
      await stage.sweep();
      expect((await stage.rows()).head).toMatchObject({ isAllGrouped: true });
      expect(await rowQueriesOf(stage)).toBe(1);

      await stage.createSingle("head");
      expect((await stage.rows()).head.isAllGrouped).toBeUndefined();
      expect(await rowQueriesOf(stage)).toBe(5);
      expect(await stage.cursors()).toMatchObject([{ state: "signalled" }]);
      // It is packed, and the sweep after that finds none.
      await stage.sweep();
      expect((await stage.rows()).head.isAllGrouped).not.toBe(true);
      await stage.sweep();
      expect(await rowQueriesOf(stage)).toBe(1);
    }));

  it("keeps a row in sight that is created after the sweep has looked", () =>
    onStage(2, 1, async (stage) => {
      let isFirst = true;
      await stage.before(
        ({ command, input }) => {
          const expression: unknown = input.UpdateExpression;
          return isFirst && command === "UpdateItem" && String(expression).includes("isAllGrouped");
        },
        async () => {
          isFirst = false;
          await stage.createSingle("tail");
        },
        async () => void (await stage.sweep()),
      );
      expect(isFirst).toBe(false);
      expect((await stage.rows()).head.isAllGrouped).toBeUndefined();
    }));
});

describe("a person's change", () => {
  /** Writes the group as its holder does with every page, before some of the person's writes. */
  function overtaking(stage: Stage, times: number) {
    let left = times;
    return {
      isMeant: ({ command }: AwsCall) => command === "TransactWriteItems" && left > 0,
      holderWrites: async () => {
        left -= 1;
        const read = await groupOf(stage);
        await stage.stores.groups.write(read, changeCursor(read, "s1", cursorIn(read, "s1")));
      },
    };
  }

  it("is written although the holder is faster several times", () =>
    onStage(2, 1, async (stage) => {
      const { isMeant, holderWrites } = overtaking(stage, 8);
      await stage.before(isMeant, holderWrites, () =>
        stage.person.fulfil([{ change: 0, to: { state: "paused" } }]),
      );
      expect(cursorIn(await groupOf(stage), "s0")).toMatchObject({ stopped: "paused" });
      const after = overtaking(stage, 8);
      await stage.before(after.isMeant, after.holderWrites, () => stage.person.fulfil([{ delete: 0 }]));
      expect(Object.keys((await groupOf(stage)).cursors)).toEqual(["s1"]);
      await stage.expectInvariants([]);
    }));

  it("made while another changes the same session is made on what the other left", () =>
    onStage(2, 1, async (stage) => {
      let isFirst = true;
      await stage.before(
        ({ command }) => isFirst && command === "TransactWriteItems",
        async () => {
          isFirst = false;
          await change(stage, "s0", pause);
        },
        () => stage.person.fulfil([{ change: 0, to: { maxBatch: 2 } }]),
      );
      expect(cursorIn(await groupOf(stage), "s0")).toMatchObject({ stopped: "paused", generation: 2 });
    }));
});
